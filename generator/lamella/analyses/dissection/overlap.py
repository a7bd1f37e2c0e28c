"""How much of what a unit marks lies on each concept, counted without keeping a map.

Flow: activations + label planes -> **overlap** -> detectors. A unit's map on a scene is brought to
the grid of the masks (see numbers/upsampling.py) and compared with its threshold. Bilinear values
never exceed the four around them, so only where one of those lies above the threshold is anything
computed: one position in 200. Counts are whole numbers: the same for any order, split and number of
threads.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from lamella.analyses.dissection.overlap_kernel import count_overlap
from lamella.network.units import Layer
from lamella.numbers.upsampling import weights


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
        count_overlap(
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
