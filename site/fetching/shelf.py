"""The data folder: what is complete in it, and how a bundle is put there whole.

Flow: sources -> bundle -> fetch.py -> **shelf.py** -> site/data.

sources.json is the ledger and is written last, so what it lists is there. A run that is stopped
leaves at most a temporary folder, which the next one removes.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, replace
from pathlib import Path

from .bundle import Bundle, File, Source

PARTIAL = ".partial-"


class Shelf:
    """The data folder of an atlas.

    Attributes:
        folder: where it lies.
        bundles: what is complete, by name of its source.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundles = read(folder / "sources.json")

    def has(self, source: Source) -> bool:
        """Whether everything of a source is there, fetched by the same recipe."""
        bundle = self.bundles.get(source.name)
        return (
            bundle is not None
            and bundle.recipe == source.recipe
            and all((self.folder / file.path).is_file() for file in bundle.files)
        )

    def put(self, source: Source, bundle: Bundle, fetched: Path) -> None:
        """Move a bundle's files here from the folder `fetched`, and enter it in the ledger."""
        old = self.bundles.get(source.name)
        for file in bundle.files:
            (self.folder / file.path).parent.mkdir(parents=True, exist_ok=True)
            (fetched / file.path).replace(self.folder / file.path)
        for stale in _paths(old) - _paths(bundle):
            (self.folder / stale).unlink(missing_ok=True)
        bundles = {**self.bundles, source.name: replace(bundle, recipe=source.recipe)}
        self.bundles = {name: bundles[name] for name in sorted(bundles, key=str.casefold)}
        ledger = [asdict(bundle) for bundle in self.bundles.values()]
        self.write("sources.json", json.dumps(ledger, indent=1))

    def holds(self, name: str, text: str) -> bool:
        """Whether a file is there and says this."""
        target = self.folder / name
        return target.is_file() and target.read_bytes() == text.encode()

    def write(self, name: str, text: str) -> None:
        """Write a file whole or not at all."""
        partial = self.folder / f"{PARTIAL}{name}"
        partial.write_bytes(text.encode())
        partial.replace(self.folder / name)

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A folder beside the data, on the same disk, that is gone afterwards."""
        folder = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def renew(self, name: str, write: Callable[[Path], None]) -> None:
        """Put a folder that `write` fills in the place of an older one, whole or not at all."""
        with self.temporary() as folder:
            fresh, old = folder / name, folder / f"{PARTIAL}old"
            fresh.mkdir()
            write(fresh)
            if (self.folder / name).exists():
                (self.folder / name).rename(old)
            fresh.rename(self.folder / name)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One run at a time; leftovers of runs that were killed are removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            if os.name == "posix":
                import fcntl

                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    print("Waiting for another run of fetch.py ...", flush=True)
                    fcntl.flock(lock, fcntl.LOCK_EX)
            for leftover in self.folder.glob(f"{PARTIAL}*"):
                if leftover.is_dir():
                    shutil.rmtree(leftover, ignore_errors=True)
                else:
                    leftover.unlink(missing_ok=True)
            # What the other run fetched meanwhile counts.
            self.bundles = read(self.folder / "sources.json")
            yield


def _paths(bundle: Bundle | None) -> set[str]:
    return {file.path for file in bundle.files} if bundle else set()


def read(ledger: Path) -> dict[str, Bundle]:
    """What a ledger lists; nothing where it is absent or not one of ours."""
    bundles = {}
    try:
        for entry in json.loads(ledger.read_text("utf-8")):
            files = tuple(File(**file) for file in entry.pop("files"))
            bundle = Bundle(**entry, files=files)
            texts = [*entry.values(), *(text for file in files for text in astuple(file))]
            if not all(isinstance(text, str) for text in texts):
                return {}
            bundles[bundle.source] = bundle
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return {}
    return bundles
