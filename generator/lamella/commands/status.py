"""What `lamella status` tells: what is there, what is missing, and its size.

Flow: store -> **status**. Needs no torch.
"""

from collections.abc import Sequence

from rich.table import Table

from lamella.commands.prune import stale
from lamella.commands.tables import plain_table, show, size_of
from lamella.commands.terminal import say
from lamella.config.config import Config
from lamella.pipeline.plan import DOCUMENT, SURVEYED, keys_now, open_atlas, panels_of, store_of
from lamella.store.store import Folder
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
