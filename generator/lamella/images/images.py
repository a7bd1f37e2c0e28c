"""The photographs: from a folder to pixels as the network sees them.

Flow: config, decoding -> **images** -> survey, analyses. One broken file never stops the others: it
is skipped, counted and listed. Images are numbered by the digest of their content, so that numbers,
ties and pages do not depend on where the folder lies or in what order it is read.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lamella.config.config import Config, Preprocessing
from lamella.config.digest import digest_of
from lamella.errors import ConfigError, ImagesError
from lamella.images.decoding import SUFFIXES, BrokenImage, Pixels, decode
from lamella.images.manifest import Manifest, Photograph, photograph_named

CACHE = 150_000_000  # bytes of decoded images that are kept


@dataclass(frozen=True, slots=True)
class Batch:
    """Decoded images: their numbers, and sRGB bytes, (image, row, column, 3)."""

    numbers: tuple[int, ...]
    pixels: Pixels


class Images:
    """The images of an atlas, decoded when they are needed.

    Attributes:
        manifest: what they are.
    """

    def __init__(self, manifest: Manifest, paths: Sequence[Path], preprocessing: Preprocessing):
        self.manifest = manifest
        self.paths = tuple(paths)
        self.preprocessing = preprocessing
        # Recent images stay decoded: analyses come back to the same.
        kept = CACHE // (3 * preprocessing.size**2)
        self.recent = lru_cache(maxsize=kept)(self._decode)

    def __len__(self) -> int:
        return len(self.paths)

    def _decode(self, number: int) -> Pixels:
        return decode(self.paths[number], self.preprocessing)

    def pixels(self, number: int) -> Pixels:
        """One image as the network sees it, sRGB bytes, (row, column, 3); do not write into it."""
        return self.recent(number)

    def named(self, wanted: Sequence[str], where: str) -> list[int]:
        """The numbers of images that the user named, each once.

        Args:
            wanted: ids, paths in the folder, or names of files.
            where: what names them, for the error.
        Raises:
            ConfigError: there is no such image, or it cannot be decoded.
        """
        found = []
        for name in wanted:
            number = photograph_named(self.manifest, name, where)
            try:
                self.pixels(number)
            except BrokenImage as error:
                raise ConfigError(
                    f"{where}: {name!r} cannot be shown: {error}.", "Name another image."
                ) from error
            found.append(number)
        return list(dict.fromkeys(found))

    def batches(
        self,
        size: int,
        *,
        first: int = 0,
        only: Iterable[int] | None = None,
        skipped: dict[int, str],
    ) -> Iterator[Batch]:
        """All images from number `first` on, decoded ahead in threads; the last batch is shorter.

        Args:
            only: the numbers of those that are wanted, in this order, in place of all.
            skipped: takes the number of each broken image, and why.
        """
        workers = min(8, os.cpu_count() or 1)
        with ThreadPoolExecutor(workers) as pool:
            ahead: list[tuple[int, Future[Pixels]]] = []
            numbers = iter(range(first, len(self)) if only is None else only)

            def fill() -> None:
                while len(ahead) < 2 * size and (number := next(numbers, None)) is not None:
                    ahead.append((number, pool.submit(self.pixels, number)))

            try:
                fill()
                ready: list[tuple[int, Pixels]] = []
                while ahead:
                    number, future = ahead.pop(0)
                    try:
                        ready.append((number, future.result()))
                    except BrokenImage as error:
                        skipped[number] = str(error)
                    fill()
                    if ready and (len(ready) == size or not ahead):
                        yield Batch(
                            tuple(number for number, _ in ready),
                            np.stack([pixels for _, pixels in ready]),
                        )
                        ready = []
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class Digests:
    """Content digests of files, remembered by path, size and time of change.

    Attributes:
        known: what is remembered, as plain values.
        fresh: how many of them are new.
    """

    known: dict[str, Any] = field(default_factory=dict)
    fresh: int = 0

    def of(self, path: Path) -> str:
        """The digest of a file's content, 32 hex digits."""
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        entry = self.known.get(str(path))
        if entry is None or entry[:2] != stamp:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
            entry = self.known[str(path)] = [*stamp, digest.hexdigest()[:32]]
            self.fresh += 1
        return str(entry[2])


def find(config: Config, preprocessing: Preprocessing, digests: Digests) -> Images:
    """The images that a config names. Copies of an image count once.

    Args:
        digests: of files that were seen before; takes those of new ones.

    Raises:
        ImagesError: the folder does not exist or holds no image.
    """
    section = config.images
    folder = config.path(section.folder)
    if not folder.is_dir():
        why = "is no folder" if folder.exists() else "does not exist"
        raise ImagesError(
            f"The image folder {folder} {why}.",
            "[images] folder is relative to the folder of atlas.toml.",
        )
    by_id = _by_id(folder, digests)
    if not by_id:
        raise ImagesError(
            f"{folder} holds no image.",
            f"They are found in all its subfolders by their suffix: {' '.join(sorted(SUFFIXES))}.",
        )
    chosen = sorted(by_id)[: section.limit]
    photographs = tuple(
        Photograph(
            id,
            _text(by_id[id].relative_to(folder).as_posix()),
            _text(_label(by_id[id], folder, section.labels)),
        )
        for id in chosen
    )
    labels = tuple(sorted({photograph.label for photograph in photographs} - {""}))
    manifest = Manifest(digest_of(chosen), photographs, labels=labels)
    return Images(manifest, [by_id[id] for id in chosen], preprocessing)


def _by_id(folder: Path, digests: Digests) -> dict[str, Path]:
    """The image files of a folder by the digest of their content; of copies, the first by name."""
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.is_dir()
    ]
    by_id: dict[str, Path] = {}
    for path in files:
        try:
            by_id.setdefault(digests.of(path), path)
        except OSError:  # unreadable: skipped when it is to be decoded
            by_id.setdefault(digest_of(str(path.relative_to(folder)))[:32], path)
    return by_id


def _text(name: str) -> str:
    """A file's name as text that can be printed and published, whatever bytes it is made of."""
    return os.fsencode(name).decode("utf-8", "replace")


def _label(path: Path, folder: Path, labels: str) -> str:
    """The label of an image, as `[images] labels` says."""
    if labels == "folder":
        return "" if path.parent == folder else path.parent.name
    if labels == "file":
        stem = path.stem
        return stem[: max(stem.rfind(mark) for mark in "-_.")] if set(stem) & set("-_.") else stem
    return ""
