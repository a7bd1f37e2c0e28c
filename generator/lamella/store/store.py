"""The store: content-addressed shards on disk, each written whole or not at all.

Flow: survey, analyses -> **store** -> gathering, facts -> pages. No torch, here and in what
follows.

    work/<panel>-<key>/<layer>/<first>-<digest>.safetensors   numbers and encoded pictures
    work/<panel>-<key>/<layer>/<first>-<digest>.json          written last: it says "complete"

The key says everything that the result depends on, so a changed setting never overwrites what an
older one made, and resuming is a set difference over channels.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from lamella.config.digest import digest_of
from lamella.errors import Damaged, StoreError, said
from lamella.store.documents import read, read_document, sealed
from lamella.store.lock import Tell, locked
from lamella.store.slug import slug
from lamella.store.writing import write_atomically

Numbers = Mapping[str, NDArray[Any]]
_PARTS = frozenset({"channels", "digest", "sheets", "made"})
# What was compared with its checksum in this process: a file as it was then, and its digest.
_compared: set[tuple[Path, int, int, str]] = set()


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


class Folder:
    """The shards of one panel, under one key, for one layer (`layer` "" for the whole network)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def name_of(self, shard: Shard) -> str:
        """The name of a shard's files, without their suffix."""
        return f"{shard.channels[0]:05d}-{digest_of(shard.channels)[:8]}"

    def write(self, shard: Shard) -> None:
        """Store a shard: numbers first, then the note that says that it is complete."""
        name = self.name_of(shard)
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
        path = self.path / f"{name}.json"
        write_atomically(path, sealed(_inside(path), note))

    @cached_property
    def notes(self) -> dict[str, dict[str, Any]]:
        """The notes of the complete shards by name, in order; read once.

        Raises:
            Damaged: one is no note, or its checksum does not fit.
        """
        return {path.stem: _note(path) for path in self._paths()}

    def _paths(self) -> list[Path]:
        return sorted(self.path.glob("[!.]*.json"))

    def faults(self) -> Iterator[Damaged | None]:
        """For each complete shard, None or what is wrong with it."""
        for path in self._paths():
            try:
                _content(path.with_suffix(".safetensors"), _note(path)["digest"], afresh=True)
            except Damaged as error:
                yield error
            else:
                yield None

    def done(self) -> set[int]:
        """The channels that are complete, looked up afresh."""
        self.__dict__.pop("notes", None)
        return {
            channel
            for name, note in self.notes.items()
            if (self.path / f"{name}.safetensors").exists()
            for channel in note["channels"]
        }

    @property
    def fingerprint(self) -> str:
        """Changes exactly when the complete shards do."""
        return digest_of([note["digest"] for note in self.notes.values()])

    def shards(self) -> Iterator[tuple[dict[str, Any], dict[str, NDArray[Any]]]]:
        """The notes and tensors of the complete shards, one shard in memory at a time.

        Raises:
            Damaged: a shard is missing, or its checksum does not fit.
        """
        for name, note in self.notes.items():
            yield note, load(_content(self.path / f"{name}.safetensors", note["digest"]))


def _note(path: Path) -> dict[str, Any]:
    note = read_document(_inside(path), path)
    if not (isinstance(note, dict) and note.keys() >= _PARTS):
        raise Damaged(path, "it is no note of a shard")
    return note


def _inside(path: Path) -> str:
    """A note's name: its path in the work folder."""
    return "/".join(path.parts[-3:])


def _content(path: Path, digest: str, afresh: bool = False) -> bytes:
    """The bytes of a shard, compared with their digest.

    Args:
        afresh: also if this process has compared them before.
    """
    try:
        content, stat = read(path), path.stat()
    except FileNotFoundError as error:
        raise Damaged(path, "it is missing") from error
    known = (path, stat.st_size, stat.st_mtime_ns, digest)
    if afresh or known not in _compared:
        if hashlib.sha256(content).hexdigest() != digest:
            raise Damaged(path, "its checksum does not fit")
        _compared.add(known)
    return content


def discard(path: Path) -> None:
    """Delete a damaged file, with the shard that it is part of: the next run makes it again.

    Raises:
        StoreError: it cannot be deleted.
    """
    try:
        for part in (path.with_suffix(".json"), path):
            part.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"Cannot delete {path}: {said(error)}.", "Delete it yourself, or allow it."
        ) from error


# The folders that a store makes: a panel's name and sixteen digits of its key.
OURS = re.compile(r"[a-z][a-z0-9_]*-[0-9a-f]{16}")


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

    @property
    def writable(self) -> bool:
        """Whether it can be written, or made."""
        return not self.root.is_dir() or os.access(self.root, os.W_OK)

    def folder(self, panel: str, key: str, layer: str = "") -> Folder:
        """Where a panel's shards of one layer lie; `layer` "" for those of the whole network."""
        return Folder(self.root / results(panel, key) / (slug(layer) if layer else "network"))

    def locked(self, command: str, tell: Tell) -> AbstractContextManager[None]:
        """Be the only one who writes into it; see `lock.locked`."""
        return locked(self.root, command, tell)

    def write_json(self, name: str, value: object) -> None:
        """Store a small document of the work folder itself."""
        write_atomically(self.root / name, sealed(name, value))

    def read_json(self, name: str) -> Any:
        """A document that `write_json` wrote; None where there is none."""
        return read_document(name, self.root / name)
