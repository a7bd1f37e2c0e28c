"""What `layers`, `status` and `prune` tell: the network's layers, and what the store holds.

Flow: beside the pipeline; `status` and `prune` need no torch.
"""

import math
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from lamella.config.config import Config
from lamella.errors import StoreError, said
from lamella.network.units import Layer
from lamella.pipeline.plan import DOCUMENT, SURVEYED, keys_now, open_atlas, panels_of, store_of
from lamella.store.store import Folder

# The folders that a store makes: a panel's name and sixteen digits of its key.
_OURS = re.compile(r"[a-z][a-z0-9_]*-[0-9a-f]{16}")


def plain_table(*columns: str) -> Table:
    """A table for a terminal: the first column to the left, numbers to the right."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    for at, column in enumerate(columns):
        table.add_column(column, justify="left" if at == 0 else "right", overflow="fold")
    return table


def show(table: Table) -> None:
    """Print a table, with nothing in its cells taken for markup."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:  # in a file or another program no line may be folded
        console.width = 1000
    console.print(table)


def size_of(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def field_words(layer: Layer) -> str:
    """A receptive field and its stride as the table shows them: `15 / 4 px`."""
    return f"{layer.field.size} / {layer.field.rows.stride} px" if layer.field else "all"


def duration(seconds: float) -> str:
    """Seconds in a reader's words; "?" where they are not known."""
    if math.isnan(seconds):
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def layers_report(config: Config, timed: bool) -> None:
    """Print the layers, what would be computed of each, and roughly how long that takes here."""
    from lamella.pipeline.pipeline import Analysis

    analysis = Analysis.of(config)
    visualization = next((p for p in analysis.panels if p[0].name == "feature_visualization"), None)
    head = ["layer", "kind", "units", "output", "sees", "missing"]
    table = plain_table(*head, *(["pictures"] if timed and visualization else []))
    job = analysis.job(*visualization) if visualization else None
    total = 0.0
    for layer in analysis.atlas.network.layers:
        row = [
            layer.name,
            layer.kind,
            str(layer.channels),
            f"{layer.height} x {layer.width}",
            field_words(layer),
        ]
        per_unit = [panel for panel, _ in analysis.panels if panel.per == "unit"]
        missing = {panel.name: len(analysis.missing(panel, layer)) for panel in per_unit}
        row.append(str(max(missing.values(), default=0)))
        if timed and visualization and job:
            left = missing["feature_visualization"]
            seconds = left and left * visualization[0].seconds_per_unit(job, layer)
            total += 0.0 if math.isnan(seconds) else seconds
            row.append(duration(seconds))
        table.add_row(*row)
    show(table)
    network = analysis.atlas.network
    names = ", ".join(panel.name for panel, _ in analysis.panels)
    click.echo(
        f"\n{len(network.layers)} layers, {network.units} units, {len(analysis.images)} images"
    )
    click.echo("Sees: receptive field and stride, in pixels of the input.")
    click.echo(f"Panels: {names}.")
    if timed and visualization:
        click.echo(
            f"Pictures: feature visualization of what is missing takes about {duration(total)} "
            f"on {analysis.model.device}, measured now; the rest takes minutes."
        )


def status_report(config: Config) -> None:
    """Print what is there, what is missing, and the size on disk."""
    store = store_of(config)
    panels = [panel for panel, _ in panels_of(config)]
    if store.read_json(DOCUMENT) is None:
        click.echo(f"Nothing was analysed yet: {store.root} holds no atlas.")
        click.echo(f"Run: lamella build {config.file}")
        return
    atlas = open_atlas(config)
    keys = keys_now(config, atlas)
    table = plain_table("panel", "done", "of", "MB")
    missing, units = 0, atlas.network.units
    surveyed = [name for name in SURVEYED if name in keys]
    for name in [*surveyed, *(panel.name for panel in panels if panel.per == "unit")]:
        folders = [store.folder(name, keys[name], layer.name) for layer in atlas.network.layers]
        done = sum(len(folder.done()) for folder in folders)
        missing += units - done
        _row(table, name, done, str(units), folders)
    for panel in panels:
        if panel.per == "network":
            folder = store.folder(panel.name, keys[panel.name])
            done, counted = len(folder.done()), panel.entries == "units"
            missing += units - done if counted else 0
            _row(table, panel.name, done, str(units) if counted else "-", [folder])
    show(table)
    click.echo(f"\n{store.root}: {size_of(store.root) / 1e6:.0f} MB")
    site = config.path(config.output.site)
    if site.is_dir():
        click.echo(f"{site}: {size_of(site) / 1e6:.0f} MB")
    if old := stale(config):
        freed = sum(size_of(folder) for folder in old) / 1e6
        click.echo(
            f"{len(old)} folders of earlier settings, {freed:.0f} MB: lamella prune deletes them."
        )
    changed = [name for name in keys if keys[name] != atlas.keys.get(name)]
    if changed:
        click.echo(f"{config.file.name} was changed since the last analysis: {', '.join(changed)}.")
    click.echo(f"{missing} results are missing." if missing else "Everything is there.")


def _row(table: Table, panel: str, done: int, of: str, folders: Sequence[Folder]) -> None:
    size = sum(size_of(folder.path) for folder in folders)
    table.add_row(panel, str(done), of, f"{size / 1e6:.1f}")


def stale(config: Config) -> list[Path]:
    """The store's folders that neither the config nor the atlas, as last analysed, uses."""
    atlas = open_atlas(config)
    used = {
        f"{name}-{key[:16]}"
        for keys in (atlas.keys, keys_now(config, atlas))
        for name, key in keys.items()
    }
    return [
        path
        for path in sorted(store_of(config).root.iterdir())
        if _OURS.fullmatch(path.name) and path.name not in used and _holds_only_shards(path)
    ]


def _holds_only_shards(folder: Path) -> bool:
    """Whether a folder is one that a store made: nothing of anybody else's lies in it."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    files = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return not any(
        path.is_symlink()
        or not (path.suffix in {".json", ".safetensors"} or path.name.startswith(".draft-"))
        for path in files
    )


def prune_store(config: Config, yes: bool) -> None:
    """Delete the folders that `stale` names, after asking."""
    old = stale(config)
    if not old:
        click.echo("Nothing to delete.")
        return
    for folder in old:
        click.echo(f"{folder.name}  {size_of(folder) / 1e6:.1f} MB")
    these = f"these {len(old)} folders" if len(old) > 1 else "this folder"
    if not (yes or click.confirm(f"Delete {these}?")):
        return
    for folder in old:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise StoreError(
                f"Cannot delete {folder}: {said(error)}.", "Delete it yourself, or allow it."
            ) from error
    click.echo(f"Deleted {len(old)} {'folders' if len(old) > 1 else 'folder'}.")
