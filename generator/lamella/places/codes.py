"""Where on the image the numbers of a tensor lie.

Flow: units -> **places** -> propagation, windows, layout. Each number has a code: its image, and
its place on a grid of rows and columns that covers the image. What only rearranges numbers (views,
transpositions, windows, concatenations) is done to the codes as well, so where a token lies is read
off, and not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lamella.places.field import Field, ReceptiveField

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


def collapsed(places: Places, axes: Sequence[int]) -> Places | None:
    """What becomes of places where numbers are mixed along some axes, which go.

    Where all that is mixed lies at one place, so does the result. Patches, of rows and columns that
    form a grid of their own, get that grid. What else lies at several places is of none. None where
    images are mixed.
    """
    codes = places.codes
    for axis in axes:  # what does not vary along an axis is looked at once
        if codes.stride(axis) == 0:
            codes = codes.narrow(axis, 0, 1)
    kept = tuple(axis % codes.dim() for axis in axes)
    low, high = codes.amin(kept), codes.amax(kept)
    if torch.equal(low, high):
        return replace(places, codes=low)
    if not torch.equal(low // PER_IMAGE, high // PER_IMAGE):
        return None
    place = codes % PER_IMAGE - FIRST
    apart = (place >= 0).amin(kept)
    whole = low // PER_IMAGE * PER_IMAGE + WHOLE
    if not bool((apart & (low < high)).any()):
        return replace(places, codes=torch.where(low == high, low, whole))
    found = torch.where(apart | (low < high), whole, low)
    row, column = place // places.columns, place % places.columns
    lines = [
        _lines(numbers.amin(kept)[apart], numbers.amax(kept)[apart]) for numbers in (row, column)
    ]
    if None in lines or all(one and len(one[0]) == 1 for one in lines):
        return Places(found, 1, 1)
    (rows, at_row), (columns, at_column) = [one for one in lines if one is not None]
    found[apart] += FIRST - WHOLE + at_row * len(columns) + at_column
    field = places.field and _field(
        line(places.field.rows, [one[0] for one in rows], [one[1] for one in rows]),
        line(places.field.columns, [one[0] for one in columns], [one[1] for one in columns]),
    )
    return Places(found, len(rows), len(columns), field, places.gated)


def tightened(places: Places) -> Places:
    """Places of a part of a grid, every other row say, on a grid of their own; else as they are."""
    used = torch.unique(places.places)
    used = used[used >= 0]
    rows, columns = torch.unique(used // places.columns), torch.unique(used % places.columns)
    if not len(used) < places.rows * places.columns or len(used) != len(rows) * len(columns):
        return places
    place = places.places
    row = torch.searchsorted(rows, place.clamp(min=0) // places.columns)
    column = torch.searchsorted(columns, place.clamp(min=0) % places.columns)
    moved = places.images * PER_IMAGE + FIRST + row * len(columns) + column
    down, right = rows.tolist(), columns.tolist()
    field = places.field and _field(
        line(places.field.rows, down, down), line(places.field.columns, right, right)
    )
    codes = torch.where(place >= 0, moved, places.codes)
    return Places(codes, len(rows), len(columns), field, places.gated)


def _lines(low: Tensor, high: Tensor) -> tuple[list[list[int]], Tensor] | None:
    """The different runs of rows, each by its first and last, and which each number has; None
    where they do not follow each other as the rows of a grid do."""
    runs: Tensor
    runs, at = torch.unique(torch.stack([low, high], 1), dim=0, return_inverse=True)
    if len(torch.unique(runs[:, 0])) < len(runs) or bool((runs[:, 1].diff() <= 0).any()):
        return None
    return runs.tolist(), at


def _field(rows: ReceptiveField | None, columns: ReceptiveField | None) -> Field | None:
    return Field(rows, columns) if rows and columns else None


def line(
    axis: ReceptiveField,
    low: Sequence[int],
    high: Sequence[int],
    step: Fraction | None = None,
) -> ReceptiveField | None:
    """The field of positions that each read a run of another layer's positions, along one axis.

    It holds all that each of them sees; where it must be the same for all, a little more.

    Args:
        axis: the field of the positions that are read.
        low, high: the first and the last that each reads.
        step: from one to the next, in positions that are read; found where it is None.
    Returns:
        None where the positions do not move in equal steps of whole pixels.
    """
    step = step if step is not None else _step(low)
    if step is None or (stride := step * axis.stride).denominator > 1:
        return None
    moved = int(stride)
    first = min(axis.start + at * axis.stride - n * moved for n, at in enumerate(low))
    last = max(axis.start + at * axis.stride + axis.size - n * moved for n, at in enumerate(high))
    return ReceptiveField(last - first, moved, first)


def _step(low: Sequence[int]) -> Fraction | None:
    """By how much positions move on: by whole ones, or by one for several in a row."""
    if len(low) == 1:
        return Fraction(1)
    different = list(dict.fromkeys(low))
    steps = {after - before for before, after in pairwise(different)}
    times = len(low) // len(different)
    regular = len(steps) == 1 and list(low) == [at for at in different for _ in range(times)]
    return Fraction(steps.pop(), times) if regular and min(steps) > 0 else None


def slid(
    places: Places, shape: Sequence[int], kernel: tuple[int, int], options: Mapping[str, Any]
) -> Places | None:
    """The places behind a sliding window over maps that are not whole images."""
    inner = collapsed(places, (1,))
    if inner is None or bool((inner.places < 0).any()):
        return None
    images = inner.images[:, :1, :1]
    if not torch.equal(images.expand_as(inner.codes), inner.images):
        return None
    runs = []
    for numbers in (inner.places // inner.columns, inner.places % inner.columns):
        seen = torch.stack([-numbers, numbers]).double()
        low, high = F.max_pool2d(seen, kernel, **options).long()
        runs.append(_lines(-low.flatten(), high.flatten()))
    if None in runs:
        return None
    (rows, at_row), (columns, at_column) = [run for run in runs if run is not None]
    place = (at_row * len(columns) + at_column).reshape(low.shape)
    codes = (images * PER_IMAGE + FIRST + place).unsqueeze(1)
    return Places(codes.expand(tuple(shape)), len(rows), len(columns), None, inner.gated)


@dataclass(frozen=True, slots=True)
class Maps:
    """What rows and columns of maps, (image, channel, row, column), are.

    Attributes:
        images: the image of each, (image,).
        placed: whether rows and columns are those of the image.
        field: of a position.
        gated: as in Places.
    """

    images: Tensor
    placed: bool
    field: Field | None = None
    gated: bool = False


def maps_of(places: Places) -> Maps | None:
    """The rows and columns of a tensor of four axes; None where its first axis mixes images."""
    inner = collapsed(places, (1,))
    if inner is None:
        return None
    images, place = inner.images, inner.places
    if not torch.equal(images, images[:, :1, :1].expand_as(images)):
        return None
    first = images[:, 0, 0]
    if bool((place < 0).any()):
        return Maps(first, False)
    row, column = place // inner.columns, place % inner.columns
    rows, columns = row[0, :, 0], column[0, 0]
    straight = torch.equal(row, rows[None, :, None].expand_as(row))
    if not straight or not torch.equal(column, columns.expand_as(column)):
        return Maps(first, False)
    down, right = rows.tolist(), columns.tolist()
    if any(_step(one) is None for one in (down, right)):
        return Maps(first, False)
    field = inner.field and _field(
        line(inner.field.rows, down, down), line(inner.field.columns, right, right)
    )
    return Maps(first, True, field, inner.gated)
