"""The photographs: from a folder to pixels as the network sees them.

Flow: config -> model + **images** -> units. One broken file never stops the others: it is skipped,
counted and listed. Images are numbered by the digest of their content, so that numbers, ties and
pages do not depend on where the folder lies or in what order it is read.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lamella.config import Config, Preprocessing
from lamella.errors import ImagesError
from lamella.facts import Manifest, Photograph
from lamella.store import Store, digest_of

SUFFIXES = frozenset(".jpg .jpeg .png .webp .gif .bmp .tif .tiff .ppm .jp2 .avif".split())
MOST_PIXELS = 250_000_000  # a larger image is taken for an attack on memory
Pixels = NDArray[np.uint8]


class BrokenImage(Exception):
    """An image file that cannot be decoded; the message says why."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Decoded images: their numbers, and sRGB bytes, (image, row, column, 3)."""

    numbers: tuple[int, ...]
    pixels: Pixels


def decode(path: Path, resize: int, size: int) -> Pixels:
    """An image file as sRGB bytes, (size, size, 3): shorter side to `resize`, centre cut out.

    Turned upright as its EXIF says; transparency lies on white.

    Raises:
        BrokenImage: it is no image, is truncated, or is too large.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise BrokenImage(f"{image.width} x {image.height} pixels are too many")
            image.draft("RGB", (resize, resize))  # JPEGs are decoded at the size that is needed
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I;16"):
                upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
            if "A" in upright.mode or "transparency" in upright.info:
                over = upright.convert("RGBA")
                upright = Image.new("RGBA", over.size, "white")
                upright.alpha_composite(over)
            plain = upright.convert("RGB")
    except BrokenImage:
        raise
    except Exception as error:  # PIL's plug-ins raise almost anything on hostile files
        raise BrokenImage(f"{type(error).__name__}: {error}") from error
    scale = resize / min(plain.size)
    width, height = (max(resize, round(side * scale)) for side in plain.size)
    plain = plain.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    left, top = (width - size) // 2, (height - size) // 2
    return np.asarray(plain.crop((left, top, left + size, top + size)))


class Images:
    """The images of an atlas, decoded when they are needed.

    Attributes:
        manifest: what they are; `skipped` is known once all were read.
    """

    def __init__(self, manifest: Manifest, paths: Sequence[Path], preprocessing: Preprocessing):
        self.manifest = manifest
        self.paths = tuple(paths)
        self.preprocessing = preprocessing
        # Some hundred recent images stay decoded: panels come back to the same ones.
        self.recent = lru_cache(maxsize=512)(self._decode)

    def __len__(self) -> int:
        return len(self.paths)

    def _decode(self, number: int) -> Pixels:
        return decode(self.paths[number], self.preprocessing.resize, self.preprocessing.size)

    def pixels(self, number: int) -> Pixels:
        """One image as the network sees it, sRGB bytes, (row, column, 3); do not write into it."""
        return self.recent(number)

    def batches(self, size: int, *, first: int = 0, skipped: dict[int, str]) -> Iterator[Batch]:
        """All images from number `first` on, decoded ahead in threads; the last batch is shorter.

        Args:
            skipped: takes the number of each broken image, and why.
        """
        workers = min(8, os.cpu_count() or 1)
        with ThreadPoolExecutor(workers) as pool:
            ahead: list[tuple[int, Future[Pixels]]] = []
            numbers = iter(range(first, len(self)))

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
class _Digests:
    """Content digests of files, remembered in the store by path, size and time of change."""

    store: Store
    known: dict[str, Any] = field(default_factory=dict)
    fresh: int = 0

    def of(self, path: Path) -> str:
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


def find(config: Config, preprocessing: Preprocessing, store: Store) -> Images:
    """The images that a config names. Copies of an image count once.

    Raises:
        ImagesError: the folder does not exist or holds no image.
    """
    section = config.images
    folder = config.path(section.folder)
    if not folder.is_dir():
        raise ImagesError(
            f"The image folder {folder} does not exist.",
            "[images] folder is relative to the folder of atlas.toml.",
        )
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    digests = _Digests(store, store.read_json("image-digests.json") or {})
    by_id: dict[str, Path] = {}
    for path in files:
        try:
            by_id.setdefault(digests.of(path), path)
        except OSError:
            by_id.setdefault(digest_of(str(path))[:32], path)  # unreadable: skipped when decoded
    if not by_id:
        raise ImagesError(
            f"{folder} holds no image.",
            f"Images are found in all its subfolders by their suffix: {' '.join(sorted(SUFFIXES))}.",
        )
    if digests.fresh:
        store.write_json("image-digests.json", digests.known)
    chosen = sorted(by_id)[: section.limit]
    photographs = tuple(
        Photograph(id, by_id[id].relative_to(folder).as_posix(), _label(by_id[id], folder, config))
        for id in chosen
    )
    labels = tuple(sorted({photograph.label for photograph in photographs} - {""}))
    manifest = Manifest(digest_of(chosen), photographs, labels=labels)
    return Images(manifest, [by_id[id] for id in chosen], preprocessing)


def _label(path: Path, folder: Path, config: Config) -> str:
    """The label of an image, as `[images] labels` says."""
    if config.images.labels == "folder":
        return "" if path.parent == folder else path.parent.name
    if config.images.labels == "file":
        stem = path.stem
        return stem[: max(stem.rfind(mark) for mark in "-_.")] if set(stem) & set("-_.") else stem
    return ""
