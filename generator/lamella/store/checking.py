"""Everything in a work folder against its checksum, and all that was lost.

Flow: store -> **checking** -> check, render.
"""

from collections.abc import Iterator, Mapping

from lamella.errors import Damaged
from lamella.store.documents import read_document
from lamella.store.parts import Parts
from lamella.store.store import OURS, Folder, Store, document, results

DOCUMENTS = ("atlas.json", "image-digests.json")  # of the work folder itself


def damaged(store: Store) -> Iterator[Damaged | None]:
    """For each document and shard, None or what is wrong with it."""
    for name in DOCUMENTS:
        yield _fault(store, name)
    for folder in sorted(store.root.iterdir() if store.root.is_dir() else ()):
        if OURS.fullmatch(folder.name):
            for path in sorted(folder.glob("[!.]*.json")):
                yield _fault(store, f"{folder.name}/{path.name}")
            for layer in sorted(path for path in folder.iterdir() if path.is_dir()):
                yield from Folder(layer).faults()


def _fault(store: Store, name: str) -> Damaged | None:
    try:
        read_document(name, store.root / name)
    except Damaged as error:
        return error
    return None


def lost(store: Store, keys: Mapping[str, str]) -> Iterator[Damaged]:
    """What was written of analyses of the whole network and of the survey, and is not there; where
    that cannot be told, what is damaged."""
    survey = document("survey", keys["survey"], "images")
    surveyed = any((store.root / results("survey", keys["survey"])).glob("*/[!.]*.json"))
    if surveyed and not (store.root / survey).exists():
        yield Damaged(store.root / survey, "it is missing")
    for panel, key in keys.items():
        if store.folder(panel, key).path.is_dir():
            try:
                parts = Parts(store, panel, key)
            except Damaged as error:
                yield error
                continue
            for path in parts.lost():
                yield Damaged(path, "it is missing")
