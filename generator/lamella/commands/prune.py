"""What `lamella prune` does: results of earlier settings, listed and deleted.

Flow: store -> **prune**. Needs no torch.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import click

from lamella.commands.tables import size_of
from lamella.commands.terminal import say
from lamella.config.config import Config
from lamella.errors import StoreError, said
from lamella.pipeline.plan import keys_now, open_atlas, store_of
from lamella.store.store import OURS, results


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
    with store_of(config).locked("lamella prune", click.echo):
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
