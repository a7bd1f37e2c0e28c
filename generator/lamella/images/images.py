"""The photographs: from a folder to pixels as the network sees them.

Flow: config, decoding -> **images** -> survey, analyses. One broken file never stops the others: it
is skipped, counted and listed. Images are numbered by the digest of their content, so that numbers,
ties and pages do not depend on where the folder lies or in what order it is read.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lamella.config.preprocessing import Preprocessing
from lamella.errors import ConfigError
from lamella.images.decoding import BrokenImage, Pixels, decode
from lamella.images.entries import ImageFile
from lamella.images.manifest import Manifest, photograph_named

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

    def __init__(
        self, manifest: Manifest, files: Sequence[ImageFile], preprocessing: Preprocessing
    ):
        self.manifest = manifest
        self.files = tuple(files)
        self.preprocessing = preprocessing
        # Recent images stay decoded: analyses come back to the same.
        rows, columns = preprocessing.shape
        kept = CACHE // (3 * rows * columns)
        self.recent = lru_cache(maxsize=kept)(self.decoded)

    def __len__(self) -> int:
        return len(self.files)

    def decoded(self, number: int) -> Pixels:
        """One image as `pixels` gives it, decoded anew and not kept."""
        return decode(self.files[number], self.preprocessing)

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
