"""What a store holds: `lamella status` tells it, `lamella prune` deletes what is of no use.

Flow: store -> **status**. Needs no torch.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table

from lamella.commands.tables import plain_table, show, size_of
from lamella.commands.terminal import say
from lamella.config.config import Config
from lamella.errors import StoreError, said
from lamella.pipeline.plan import DOCUMENT, SURVEYED, keys_now, open_atlas, panels_of, store_of
from lamella.store.store import OURS, Folder, results
from lamella.store.writing import DRAFT


def status_report(config: Config) -> None:
    """Print what is there, what is missing, and the size on disk."""
    store = store_of(config)
    panels = [panel for panel, _ in panels_of(config)]
    if store.read_json(DOCUMENT) is None:
        say(f"Nothing was analysed yet: {store.root} holds no atlas.")
        say(f"Run: lamella build {config.file}")
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
    say(f"\n{store.root}: {size_of(store.root) / 1e6:.0f} MB")
    site = config.path(config.output.site)
    if site.is_dir():
        say(f"{site}: {size_of(site) / 1e6:.0f} MB")
    if old := stale(config):
        freed = sum(size_of(folder) for folder in old) / 1e6
        say(f"{len(old)} folders of earlier settings, {freed:.0f} MB: lamella prune deletes them.")
    if drafts := list(store.root.rglob(f"{DRAFT}*")):
        say(f"{len(drafts)} half written files: a run goes on, or the next one deletes them.")
    changed = [name for name in keys if keys[name] != atlas.keys.get(name)]
    if changed:
        say(f"{config.file.name} was changed since the last analysis: {', '.join(changed)}.")
    say(f"{missing} results are missing." if missing else "Everything is there.")


def _row(table: Table, panel: str, done: int, of: str, folders: Sequence[Folder]) -> None:
    size = sum(size_of(folder.path) for folder in folders)
    table.add_row(panel, str(done), of, f"{size / 1e6:.1f}")


def stale(config: Config) -> list[Path]:
    """The store's folders that neither the config nor the atlas, as last analysed, uses."""
    atlas = open_atlas(config)
    used = {
        results(name, key)
        for keys in (atlas.keys, keys_now(config, atlas))
        for name, key in keys.items()
    }
    return [
        path
        for path in sorted(store_of(config).root.iterdir())
        if OURS.fullmatch(path.name) and path.name not in used and _holds_only_shards(path)
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
    """Delete the folders that `stale` names, after asking, and what killed runs left."""
    open_atlas(config)  # where nothing was analysed, nothing is made
    with store_of(config).locked("lamella prune", say):
        _prune(stale(config), yes)


def _prune(old: Sequence[Path], yes: bool) -> None:
    if not old:
        say("Nothing to delete.")
        return
    for folder in old:
        say(f"{folder.name}  {size_of(folder) / 1e6:.1f} MB")
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
    say(f"Deleted {len(old)} {'folders' if len(old) > 1 else 'folder'}.")
