"""The photographs: from a folder to what the network sees of them, and what pages show.

Flow: config, decoding, bands -> **images** -> survey, analyses. One broken file never stops the
others: it is skipped, counted and listed. Images are numbered by the digest of their content, so
that numbers, ties and pages do not depend on where the folder lies or in what order it is read.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.config.planes import Planes
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ConfigError, said
from lamella.images import bands
from lamella.images.decoding import BrokenImage, Pixels, decode, upright
from lamella.images.entries import ImageFile
from lamella.images.manifest import Manifest, photograph_named

CACHE = 150_000_000  # bytes of decoded images that are kept


Values = NDArray[Any]
Own = Callable[[Any], Values]  # the user's own preprocessing: an image to (row, column, plane)


@dataclass(frozen=True, slots=True)
class Batch:
    """Decoded images: their numbers, and `Images.values` of each, (image, row, column, plane)."""

    numbers: tuple[int, ...]
    values: Values


class Images:
    """The images of an atlas, decoded when they are needed.

    Attributes:
        manifest: what they are.
        planes: what their numbers are, and how they are shown.
        dtype: of their values.
        own: the user's own preprocessing, where there is one.
    """

    def __init__(
        self,
        manifest: Manifest,
        files: Sequence[ImageFile],
        preprocessing: Preprocessing,
        own: Own | None = None,
    ):
        self.manifest = manifest
        self.files = tuple(files)
        self.preprocessing = preprocessing
        self.own = own
        self.planes = Planes.of(preprocessing)
        # Recent images stay decoded: analyses come back to the same.
        rows, columns = preprocessing.shape
        self.dtype = np.dtype(np.float32 if own or preprocessing.bands else np.uint8)
        kept = CACHE // (preprocessing.planes * self.dtype.itemsize * rows * columns)
        self.recent = lru_cache(maxsize=kept)(self.decoded)

    def __len__(self) -> int:
        return len(self.files)

    def decoded(self, number: int) -> Values:
        """One image as `values` gives it, decoded anew and not kept."""
        file, how = self.files[number], self.preprocessing
        if self.own is None:
            return bands.decoded(file, how) if how.bands else decode(file, how)
        given: Any
        if how.bands:
            given = bands.read(file, how.bands)
        else:
            with upright(file) as given:
                pass
        try:
            return self.own(given)
        except Exception as error:  # the user's own code may raise anything
            raise BrokenImage(
                f"its preprocessing: {type(error).__name__}: {said(error)}"
            ) from error

    def values(self, number: int) -> Values:
        """One image for the network, (row, column, plane); do not write into it.

        Of photographs bytes; of bands their own numbers; of a preprocessing of the user's own what
        that gives. `Model.inputs` makes the network's input of it.
        """
        return self.recent(number)

    def pixels(self, number: int) -> Pixels:
        """One image as it is shown, sRGB bytes, (row, column, 3); do not write into it."""
        return self.planes.pixels(self.values(number))

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
            ahead: list[tuple[int, Future[Values]]] = []
            numbers = iter(range(first, len(self)) if only is None else only)

            def fill() -> None:
                while len(ahead) < 2 * size and (number := next(numbers, None)) is not None:
                    ahead.append((number, pool.submit(self.values, number)))

            try:
                fill()
                ready: list[tuple[int, Values]] = []
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
                            np.stack([values for _, values in ready]),
                        )
                        ready = []
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
