"""What `lamella check` does: everything that was written, read against its checksum.

Flow: store, pages -> **check**. Needs no torch, but to build again what was damaged.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from lamella.commands.build import analysed
from lamella.commands.terminal import say
from lamella.config.config import Config
from lamella.errors import Damaged, SiteError, StoreError
from lamella.pipeline.plan import DOCUMENT, store_of
from lamella.store.checking import damaged, lost
from lamella.store.lock import locked
from lamella.store.record import HOME, MANIFEST, differences
from lamella.store.store import Store, discard


def check_atlas(config: Config, repair: bool) -> None:
    """Check the store and the site of a config.

    Raises:
        StoreError: something is damaged, and is not to be repaired.
    """
    store, out = store_of(config), config.path(config.output.site)
    found = _found(store, out)
    if not any(found):
        return
    if not repair:
        raise StoreError(
            _damaged(sum(found)), f"Run: lamella check {config.file} --repair; it builds it again."
        )
    with store.locked("lamella check", say):
        for fault in _store_faults(store):
            if fault:
                discard(fault.path)
    if found[1]:
        with locked(out / HOME, "lamella check", say, what=out, error=SiteError):
            for fault in _page_faults(out):
                if fault and fault.path.parent.resolve().is_relative_to(out.resolve()):
                    fault.path.unlink(missing_ok=True)
    analysed(config, (), (), None, rendering=True)
    if any(found := _found(store, out)):
        raise StoreError(
            f"{_damaged(sum(found))[:-1]} still, or again.",
            "Look at the disk and at the memory of this computer.",
        )


def check_pages(out: Path) -> None:
    """Check a folder of pages.

    Raises:
        SiteError: something is damaged, or the folder is no site.
    """
    if not (out / MANIFEST).is_file():
        raise SiteError(
            f"{out} holds no {MANIFEST}, which has the checksums.",
            "Give the folder of a rendered site, or an atlas.toml.",
        )
    if found := _told(_page_faults(out), f"{out}:"):
        by = "by --repair with its atlas.toml in place of the folder"
        raise SiteError(_damaged(found), f"Copy the site there again; or mend it {by}.")


def _found(store: Store, out: Path) -> tuple[int, int]:
    """How many files are damaged, of the store and of the site; each is told."""
    return (
        _told(_store_faults(store), f"{store.root}: shards and documents,"),
        _told(_page_faults(out), f"{out}: pages and pictures,"),
    )


def _store_faults(store: Store) -> Iterator[Damaged | None]:
    told = set()
    for fault in damaged(store):
        told |= {fault.path} if fault else set()
        yield fault
    try:
        plain = store.read_json(DOCUMENT)
    except Damaged:  # told already
        return
    for fault in lost(store, plain["keys"]) if plain else ():
        if fault.path not in told:
            yield fault


def _page_faults(out: Path) -> Iterator[Damaged | None]:
    try:
        yield from differences(out)
    except FileNotFoundError:
        if out.is_dir() and any(out.iterdir()):
            yield Damaged(out / MANIFEST, "it is missing")
    except Damaged as error:
        yield error


def _told(faults: Iterable[Damaged | None], what: str) -> int:
    """Print each fault, then how many there were."""
    number = wrong = 0
    for fault in faults:
        number += 1
        if fault:
            wrong += 1
            say(f"{fault.path}: {fault.why}")
    say(f"{what} {number} checked, {wrong} damaged")
    return wrong


def _damaged(number: int) -> str:
    return f"{number} files are damaged." if number > 1 else "1 file is damaged."
