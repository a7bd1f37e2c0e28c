"""What becomes of places where several numbers make one, and the grids that they then form.

Flow: codes -> **grids** -> maps, elementwise, contracting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import torch
from torch import Tensor

from lamella.places.codes import FIRST, PER_IMAGE, WHOLE, Places, constant
from lamella.places.field import Field, ReceptiveField


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
    if (same := constant(codes, axes)) is not None:
        return replace(places, codes=same)
    kept = tuple(axis % codes.dim() for axis in axes)
    low, high = codes.amin(kept), codes.amax(kept)
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
        runs_of(numbers.amin(kept)[apart], numbers.amax(kept)[apart]) for numbers in (row, column)
    ]
    if None in lines or all(one and len(one[0]) == 1 for one in lines):
        return Places(found, 1, 1)
    (rows, at_row), (columns, at_column) = [one for one in lines if one is not None]
    found[apart] += FIRST - WHOLE + at_row * len(columns) + at_column
    field = places.field and field_of(
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
    row, column = place.clamp(min=0) // places.columns, place.clamp(min=0) % places.columns
    row = torch.searchsorted(rows, row.contiguous())
    column = torch.searchsorted(columns, column.contiguous())
    moved = places.images * PER_IMAGE + FIRST + row * len(columns) + column
    down, right = rows.tolist(), columns.tolist()
    field = places.field and field_of(
        line(places.field.rows, down, down), line(places.field.columns, right, right)
    )
    codes = torch.where(place >= 0, moved, places.codes)
    return Places(codes, len(rows), len(columns), field, places.gated)


def runs_of(low: Tensor, high: Tensor) -> tuple[list[list[int]], Tensor] | None:
    """The different runs of rows, each by its first and last, and which each number has; None
    where they do not follow each other as the rows of a grid do."""
    runs: Tensor
    runs, at = torch.unique(torch.stack([low, high], 1), dim=0, return_inverse=True)
    if len(torch.unique(runs[:, 0])) < len(runs) or bool((runs[:, 1].diff() <= 0).any()):
        return None
    return runs.tolist(), at


def field_of(rows: ReceptiveField | None, columns: ReceptiveField | None) -> Field | None:
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
    step = step if step is not None else step_of(low)
    if step is None or (stride := step * axis.stride).denominator > 1:
        return None
    moved = int(stride)
    first = min(axis.start + at * axis.stride - n * moved for n, at in enumerate(low))
    last = max(axis.start + at * axis.stride + axis.size - n * moved for n, at in enumerate(high))
    return ReceptiveField(last - first, moved, first)


def step_of(low: Sequence[int]) -> Fraction | None:
    """By how much positions move on: by whole ones, or by one for several in a row."""
    if len(low) == 1:
        return Fraction(1)
    different = list(dict.fromkeys(low))
    steps = {after - before for before, after in pairwise(different)}
    times = len(low) // len(different)
    regular = len(steps) == 1 and list(low) == [at for at in different for _ in range(times)]
    return Fraction(steps.pop(), times) if regular and min(steps) > 0 else None
