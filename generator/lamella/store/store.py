"""The store: content-addressed shards on disk, each written whole or not at all.

Flow: survey, analyses -> **store** -> gathering, facts -> pages. No torch, here and in what
follows.

    work/<panel>-<key>/<layer>/<first>-<digest>.safetensors   numbers and encoded pictures
    work/<panel>-<key>/<layer>/<first>-<digest>.json          written last: it says "complete"

The key says everything that the result depends on, so a changed setting never overwrites what an
older one made, and resuming is a set difference over channels.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from lamella.config.digest import digest_of
from lamella.errors import StoreError, said
from lamella.store.slug import slug

Numbers = Mapping[str, NDArray[Any]]
DELETE = "Delete it; `lamella build` makes it again."
_PARTS = frozenset({"channels", "digest", "sheets", "made"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """The size of a stored picture, or of each cell of a sheet of `columns` by `rows` cells."""

    width: int
    height: int
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Shard:
    """The artefacts of one panel for some channels of one layer.

    Attributes:
        channels: channel numbers, ascending. Where a panel stores one entry per image or one for
            the whole layer, they number those.
        numbers: arrays whose first axis is `channels`.
        pictures: encoded images, one per channel under each name; empty bytes for none.
        sheets: the size of each named picture.
        made: provenance: batch, threads, versions, seconds. Recorded, not keyed.
    """

    channels: tuple[int, ...]
    numbers: Numbers = field(default_factory=dict)
    pictures: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    sheets: Mapping[str, Sheet] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under its name only once all of it was written.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(draft, 0o644)
            os.replace(draft, path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(
            f"Cannot write {path}: {said(error)}.",
            "What was complete stays complete: make room or allow writing there, then run the "
            "same command again.",
        ) from error


def _document(path: Path) -> Any:
    """A JSON document of the store; None where there is none."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(
            f"Cannot read {path}: {said(error)}.", "Allow reading it, then run the command again."
        ) from error
    except ValueError as error:
        raise StoreError(f"{path} is damaged: {said(error)}.", DELETE) from error


class Folder:
    """The shards of one panel, under one key, for one layer (`layer` "" for the whole network)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, shard: Shard) -> None:
        """Store a shard: numbers first, then the note that says that it is complete."""
        name = f"{shard.channels[0]:05d}-{digest_of(shard.channels)[:8]}"
        tensors = {key: np.ascontiguousarray(value) for key, value in shard.numbers.items()}
        for key, encoded in shard.pictures.items():
            lengths = np.array([len(picture) for picture in encoded], dtype=np.int64)
            tensors[f"picture/{key}"] = np.frombuffer(b"".join(encoded), dtype=np.uint8)
            tensors[f"stops/{key}"] = np.cumsum(lengths)
        content = save(tensors)
        note = {
            "channels": list(shard.channels),
            "digest": hashlib.sha256(content).hexdigest(),
            "sheets": {
                key: [sheet.width, sheet.height, sheet.columns, sheet.rows]
                for key, sheet in shard.sheets.items()
            },
            "made": dict(shard.made),
        }
        write_atomically(self.path / f"{name}.safetensors", content)
        write_atomically(self.path / f"{name}.json", json.dumps(note, indent=1).encode())

    @cached_property
    def notes(self) -> dict[str, dict[str, Any]]:
        """The notes of the complete shards by name, in order; read once."""
        found = {}
        for path in sorted(self.path.glob("[!.]*.json")):
            note = _document(path)
            if not (isinstance(note, dict) and note.keys() >= _PARTS):
                raise StoreError(f"{path} is damaged: it is no note of a shard.", DELETE)
            found[path.stem] = note
        return found

    def done(self) -> set[int]:
        """The channels that are complete, looked up afresh."""
        self.__dict__.pop("notes", None)
        return {channel for note in self.notes.values() for channel in note["channels"]}

    @property
    def fingerprint(self) -> str:
        """Changes exactly when the complete shards do."""
        return digest_of([note["digest"] for note in self.notes.values()])

    def shards(self) -> Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]:
        """The notes and tensors of the complete shards, one shard in memory at a time."""
        for name, note in self.notes.items():
            path = self.path / f"{name}.safetensors"
            try:
                yield note, load_file(path)
            except (OSError, SafetensorError) as error:
                raise StoreError(
                    f"{path} is damaged or missing: {said(error)}.",
                    f"Delete {path.with_suffix('.json')}; `lamella build` makes it again.",
                ) from error


def results(panel: str, key: str) -> str:
    """The folder of what a panel stored under a key, by its name in the work folder."""
    return f"{panel}-{key[:16]}"


def document(panel: str, key: str, name: str) -> str:
    """A small document that a panel keeps beside its shards, by its path in the work folder."""
    return f"{results(panel, key)}/{name}.json"


@dataclass(frozen=True, slots=True)
class Store:
    """A work folder."""

    root: Path

    def folder(self, panel: str, key: str, layer: str = "") -> Folder:
        """Where a panel's shards of one layer lie; `layer` "" for those of the whole network."""
        return Folder(self.root / results(panel, key) / (slug(layer) if layer else "network"))

    def write_json(self, name: str, value: object) -> None:
        """Store a small document of the work folder itself."""
        write_atomically(self.root / name, json.dumps(value, indent=1).encode())

    def read_json(self, name: str) -> Any:
        """A document that `write_json` wrote; None where there is none."""
        return _document(self.root / name)
