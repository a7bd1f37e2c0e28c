"""What `layers`, `status` and `prune` tell: the network's layers, and what the store holds.

Flow: beside the pipeline; `status` and `prune` need no torch.
"""

import re
import shutil
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from lamella.config import Config
from lamella.errors import StoreError
from lamella.plan import open_atlas, panels_of, store_of
from lamella.units import Layer

# The folders that a store makes: a panel's name and sixteen digits of its key.
_OURS = re.compile(r"[a-z][a-z0-9_]*-[0-9a-f]{16}")


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for at, column in enumerate(columns):
        table.add_column(column, justify="left" if at == 0 else "right", no_wrap=True)
    return table


def _show(table: Table) -> None:
    console = Console(highlight=False)
    # Piped into a file or another program, lines must not be cut to a terminal's width.
    console.print(table, width=None if console.is_terminal else 160)


def size_of(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def field_words(layer: Layer) -> str:
    """A receptive field as the table shows it: `15 px, every 4`."""
    if layer.field is None:
        return "whole image"
    return f"{layer.field.size} px, every {layer.field.rows.stride}"


def duration(seconds: float) -> str:
    """Seconds in a reader's words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def layers_report(config: Config, timed: bool) -> None:
    """Print the layers, what would be computed of each, and roughly how long that takes here."""
    from lamella.estimate import seconds_per_unit
    from lamella.pipeline import Analysis

    analysis = Analysis.of(config)
    visualization = next((p for p in analysis.panels if p[0].name == "feature_visualization"), None)
    head = ["layer", "kind", "units", "output", "receptive field", "missing"]
    table = _table(*head, *(["pictures take"] if timed and visualization else []))
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
        if timed and visualization:
            left = missing["feature_visualization"]
            seconds = left and left * seconds_per_unit(analysis, layer, visualization[1])
            total += seconds
            row.append(duration(seconds))
        table.add_row(*row)
    _show(table)
    network = analysis.atlas.network
    names = ", ".join(panel.name for panel, _ in analysis.panels)
    click.echo(f"\n{len(network.layers)} layers, {network.units} units, {len(analysis.images)} images")
    click.echo(f"Panels: {names}")
    if timed and visualization:
        click.echo(
            f"Feature visualization of what is missing takes about {duration(total)} on "
            f"{analysis.model.device}, measured now; the rest is a few minutes at most."
        )


def status_report(config: Config) -> None:
    """Print what is there, what is missing, and the size on disk."""
    store = store_of(config)
    try:
        atlas = open_atlas(config)
    except StoreError:
        panels_of(config)  # a mistake in the config is worth telling all the same
        click.echo(f"Nothing was analysed yet: {store.root} holds no atlas.")
        click.echo(f"Run: lamella build {config.file.name}")
        return
    table = _table("panel", "done", "of", "MB")
    missing = 0
    units = atlas.network.units
    for name in ["survey", *(p.name for p, _ in panels_of(config) if p.per == "unit")]:
        if name not in atlas.keys:
            table.add_row(name, "0", str(units), "0")
            missing += units
            continue
        done = 0
        for layer in atlas.network.layers:
            folder = store.folder(name, atlas.keys[name], layer.name)
            done += len([channel for channel in folder.done() if channel < layer.channels])
        size = size_of(store.root / f"{name}-{atlas.keys[name][:16]}")
        table.add_row(name, str(done), str(units), f"{size / 1e6:.1f}")
        missing += units - done
    for panel, _ in panels_of(config):
        if panel.per == "network" and panel.name in atlas.keys:
            folder = store.folder(panel.name, atlas.keys[panel.name])
            whole = str(units) if panel.entries == "units" else "-"
            table.add_row(panel.name, str(len(folder.done())), whole, f"{size_of(folder.path) / 1e6:.1f}")
    _show(table)
    site = config.path(config.output.site)
    click.echo(f"\n{store.root}: {size_of(store.root) / 1e6:.0f} MB")
    if site.is_dir():
        click.echo(f"{site}: {size_of(site) / 1e6:.0f} MB")
    old = stale(config)
    if old:
        freed = sum(size_of(folder) for folder in old) / 1e6
        click.echo(f"{len(old)} folders of earlier settings, {freed:.0f} MB: lamella prune deletes them.")
    click.echo("Everything is there." if not missing else f"{missing} results are missing.")


def stale(config: Config) -> list[Path]:
    """The store's folders that the atlas, as last analysed, does not use."""
    root = store_of(config).root
    atlas = open_atlas(config)
    used = {f"{name}-{key[:16]}" for name, key in atlas.keys.items()}
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink())
    return [path for path in folders if _OURS.fullmatch(path.name) and path.name not in used]


def prune_store(config: Config, yes: bool) -> None:
    """Delete the folders that `stale` names, after asking."""
    old = stale(config)
    if not old:
        click.echo("Nothing to delete.")
        return
    for folder in old:
        click.echo(f"{folder.name}  {size_of(folder) / 1e6:.1f} MB")
    if yes or click.confirm(f"Delete these {len(old)} folders?"):
        for folder in old:
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise StoreError(f"Cannot delete {folder}: {error.strerror or error}.") from error
        click.echo(f"Deleted {len(old)} folders.")
