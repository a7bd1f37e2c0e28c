"""Where on the image the numbers of a tensor lie.

Flow: field -> **codes** -> grids, maps, layout. Each number has a code: its image, and
its place on a grid of rows and columns that covers the image. What only rearranges numbers (views,
transpositions, windows, concatenations) is done to the codes as well, so where a token lies is read
off, and not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lamella.places.field import Field

PER_IMAGE = 1 << 24  # codes that an image has
FIRST = 1 << 12  # the code of place 0; what is below is of no place:
WHOLE, PADDING, EXTRA = 0, 1, 2  # of several places at once; of none; of tokens that are no patch


@dataclass(frozen=True, slots=True)
class Places:
    """Where the numbers of a tensor lie.

    Attributes:
        codes: of each number, int64, of the tensor's shape; `image * PER_IMAGE + FIRST + place`,
            where place is `row * columns + column`.
        rows, columns: of the grid.
        field: what a place sees; None where it is the whole image, or cannot be told.
        gated: whether something of the whole image comes in as well: a factor for each channel, or
            a normalization over all positions.
    """

    codes: Tensor
    rows: int
    columns: int
    field: Field | None = None
    gated: bool = False

    @property
    def images(self) -> Tensor:
        """The image of each number."""
        return self.codes // PER_IMAGE

    @property
    def located(self) -> bool:
        """Whether any of the numbers lies at a place of its own."""
        return bool((self.codes % PER_IMAGE >= FIRST).any())

    @property
    def places(self) -> Tensor:
        """The place of each number; negative for none."""
        return self.codes % PER_IMAGE - FIRST


def constant(codes: Tensor, axes: Sequence[int]) -> Tensor | None:
    """Codes without some axes, along which they do not differ; None where they do."""
    first = codes
    for axis in axes:
        first = first.narrow(axis, 0, 1)
    if not torch.equal(first.expand_as(codes), codes):
        return None
    gone = {axis % codes.dim() for axis in axes}
    return first.reshape([n for axis, n in enumerate(codes.shape) if axis not in gone])


def compact(codes: Tensor) -> Tensor:
    """The same codes in as little memory as they need: along axes where they do not differ, of one
    entry that stands for all."""
    found = codes
    for axis in range(codes.dim()):
        if codes.shape[axis] > 1 and codes.stride(axis) != 0:
            first = found.narrow(axis, 0, 1)
            if torch.equal(first.expand_as(found), found):
                found = first
    return found.contiguous().expand(codes.shape) if found is not codes else codes


def raster(
    images: Tensor, shape: Sequence[int], field: Field | None, gated: bool = False
) -> Places:
    """Maps, (image, channel, row, column), whose rows and columns are those of the grid.

    Args:
        images: the number of each, (image,).
    """
    rows, columns = shape[2:]
    grid = torch.arange(rows * columns).reshape(1, 1, rows, columns)
    codes = images[:, None, None, None] * PER_IMAGE + FIRST + grid
    return Places(codes.expand(tuple(shape)), rows, columns, field, gated)


def nowhere(images: Tensor, shape: Sequence[int]) -> Places:
    """Numbers of whole images, the first axis being `images`."""
    codes = (images * PER_IMAGE + WHOLE).reshape(-1, *(1,) * (len(shape) - 1))
    return Places(codes.expand(tuple(shape)), 1, 1)
