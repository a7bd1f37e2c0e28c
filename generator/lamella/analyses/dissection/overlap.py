"""How much of what a unit marks lies on each concept, counted without keeping a map.

Flow: activations + label planes -> **overlap** -> verdict. A unit's map on a scene is brought to
the grid of the masks (see numbers/upsampling.py) and compared with its threshold. Bilinear values
never exceed the four around them, so only where one of those lies above the threshold is anything
computed: one position in 200. Counts are whole numbers: the same for any order, split and number of
threads.
"""

from dataclasses import dataclass
from typing import Any, Self

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from lamella.network.units import Layer
from lamella.numbers.upsampling import weights

BLOCK = 16  # channels that one thread takes at a time: a cache line of a channels-last place
RUN = 128  # places: with a block, what a first-level cache holds


@dataclass(frozen=True, slots=True)
class Axis:
    """How the pixels of a mask lie between the positions of a layer, along one axis.

    Attributes:
        first: the first pixel behind each position, and the number of pixels: pixels `first[p]` to
            `first[p + 1]` lie between the positions p and p + 1.
        share: how much of the position behind counts for each pixel.
    """

    first: NDArray[np.int64]
    share: NDArray[np.float32]

    @classmethod
    def of(cls, matrix: NDArray[np.float32]) -> Self:
        """From what each position counts for each pixel, `(pixel, position)`."""
        pixels, positions = matrix.shape
        before = np.minimum((matrix > 0).argmax(axis=1), max(0, positions - 2))
        behind = np.minimum(before + 1, positions - 1)
        share = matrix[np.arange(pixels), behind] if positions > 1 else np.zeros(pixels)
        first = np.searchsorted(before, np.arange(positions + 1))
        return cls(first.astype(np.int64), share.astype(np.float32))


@numba.njit(cache=True)
def _highest(bits: Any, size: int) -> Any:
    """The largest of some floats as the integer that their bits are, which vector registers find.

    Above zero these compare as the floats do; a NaN is taken for large, and found out later.
    """
    best = bits[0]
    for i in range(1, size):
        best = max(best, bits[i])
    return best


@numba.njit(parallel=True, cache=True)
def _count(
    values: Any,
    by_channel: bool,
    thresholds: Any,
    row_first: Any,
    row_share: Any,
    column_first: Any,
    column_share: Any,
    planes: Any,
    present: Any,
    both: Any,
    marked: Any,
    above: Any,
) -> None:
    """Count over one batch; see `Overlap`.

    Args:
        values: contiguous, (image, channel, row, column) or, without `by_channel`, (image, row,
            column, channel).
        planes: (image, plane, row, column): numbers of concepts from 1, 0 for none.
        present: (image, kind): whether the image has a concept of that kind.
    """
    if by_channel:
        images, channels, rows, columns = values.shape
    else:
        images, rows, columns, channels = values.shape
    places = rows * columns
    flat = values.reshape((images, channels, places) if by_channel else (images, places, channels))
    one = np.float32(1)
    for block in numba.prange((channels + BLOCK - 1) // BLOCK):
        start = block * BLOCK
        width = min(BLOCK, channels - start)
        run = np.empty((BLOCK, RUN), np.float32)
        bits = run.view(np.int32)
        limits = thresholds[start : start + width]
        limit_bits = limits.view(np.int32)
        hit = np.empty(
            (BLOCK, rows + 1), np.bool_
        )  # rows with anything above; none behind the last
        strong = np.empty(BLOCK, np.int64)
        upper, lower = np.empty(columns, np.float32), np.empty(columns, np.float32)
        for image in range(images):
            hit[:] = False
            strong[:] = 0
            for first in range(0, places, RUN):
                size = min(RUN, places - first)
                if by_channel:
                    for i in range(width):
                        for place in range(size):
                            run[i, place] = flat[image, start + i, first + place]
                else:
                    for place in range(size):
                        for i in range(width):
                            run[i, place] = flat[image, first + place, start + i]
                for i in range(width):
                    if limits[i] > 0 and _highest(bits[i], size) > limit_bits[i]:
                        for place in range(size):
                            if run[i, place] > limits[i]:
                                strong[i] += 1
                                hit[i, (first + place) // columns] = True
            for i in range(width):
                if strong[i] == 0:
                    continue
                channel, limit = start + i, limits[i]
                above[channel] += strong[i]
                pixels = 0
                for r in range(rows):
                    if not (hit[i, r] or hit[i, r + 1]) or row_first[r] == row_first[r + 1]:
                        continue
                    for c in range(columns):
                        at, below = r * columns + c, min(r + 1, rows - 1) * columns + c
                        if by_channel:
                            upper[c], lower[c] = (
                                flat[image, channel, at],
                                flat[image, channel, below],
                            )
                        else:
                            upper[c], lower[c] = (
                                flat[image, at, channel],
                                flat[image, below, channel],
                            )
                    for c in range(columns):
                        right = min(c + 1, columns - 1)
                        nw, ne, sw, se = upper[c], upper[right], lower[c], lower[right]
                        if not (nw > limit or ne > limit or sw > limit or se > limit):
                            continue
                        for x in range(column_first[c], column_first[c + 1]):
                            along = column_share[x]
                            north = (one - along) * nw + along * ne
                            south = (one - along) * sw + along * se
                            if not (north > limit or south > limit):
                                continue
                            for y in range(row_first[r], row_first[r + 1]):
                                down = row_share[y]
                                if (one - down) * north + down * south > limit:
                                    pixels += 1
                                    for plane in range(planes.shape[1]):
                                        both[channel, planes[image, plane, y, x]] += 1
                for kind in range(present.shape[1]):
                    if present[image, kind]:
                        marked[channel, kind] += pixels


class Overlap:
    """Counts of one layer over one half of the scenes; a new one is the empty element of `merge`.

    Attributes:
        both: pixels that a channel marks and that carry a concept, (channel, 1 + concept); column 0
            is what carries none.
        marked: pixels that a channel marks in the images that have a concept of a kind,
            (channel, kind).
        above: positions above the channel's threshold; where that is not above zero, the channel is
            no detector, and nothing of it is counted.
        positions: all positions of a channel.
    """

    def __init__(
        self,
        layer: Layer,
        size: tuple[int, int],
        side: int,
        thresholds: NDArray[np.float32],
        concepts: int,
        kinds: int,
    ) -> None:
        field = layer.field
        self.rows = Axis.of(weights(field and field.rows, layer.height, size[0], side))
        self.columns = Axis.of(weights(field and field.columns, layer.width, size[1], side))
        self.thresholds = thresholds
        self.both = np.zeros((layer.channels, concepts + 1), np.int64)
        self.marked = np.zeros((layer.channels, kinds), np.int64)
        self.above = np.zeros(layer.channels, np.int64)
        self.positions = 0

    def update(
        self, values: torch.Tensor, planes: NDArray[np.int32], present: NDArray[np.bool_]
    ) -> None:
        """Take in a batch: activations (image, channel, row, column) and its label planes."""
        values = values.detach().float().cpu()
        last = values.permute(0, 2, 3, 1)
        by_channel = not last.is_contiguous()
        _count(
            (values.contiguous() if by_channel else last).numpy(),
            by_channel,
            self.thresholds,
            self.rows.first,
            self.rows.share,
            self.columns.first,
            self.columns.share,
            planes,
            present,
            self.both,
            self.marked,
            self.above,
        )
        self.positions += values.shape[0] * values.shape[2] * values.shape[3]

    def merge(self, other: Self) -> None:
        """Take in what another one of the same layer and thresholds counted."""
        self.both = self.both + other.both
        self.marked = self.marked + other.marked
        self.above = self.above + other.above
        self.positions += other.positions


class Areas:
    """What the concepts themselves take of one half of the scenes.

    Attributes:
        pixels, images: of each concept.
    """

    def __init__(self, concepts: int) -> None:
        self.pixels = np.zeros(concepts, np.int64)
        self.images = np.zeros(concepts, np.int64)

    def update(self, planes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Take in a batch of label planes; returns which image has which concept."""
        width = len(self.pixels) + 1
        counts = np.stack([np.bincount(each.ravel(), minlength=width)[1:] for each in planes])
        self.pixels += counts.sum(axis=0)
        self.images += (counts > 0).sum(axis=0)
        found: NDArray[np.bool_] = counts > 0
        return found

    def merge(self, other: Self) -> None:
        """Take in the areas of other scenes."""
        self.pixels = self.pixels + other.pixels
        self.images = self.images + other.images
