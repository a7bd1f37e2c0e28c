"""The masks that are laid over what a unit sees, and maps on their grid.

Flow: **masks** -> schedule, compute. Pure arithmetic: no torch, no disk.

Of a small field the masks cover what the unit sees, so many along each side whatever its size. Of
whole images they cover the image, so that one pass under them serves all units; what a unit sees of
that is then read off between the masks' middles.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lamella.network.units import Box
from lamella.numbers.mask_grid import spans

Maps = NDArray[np.float32]
Edges = NDArray[np.int64]


def cells_of(box: Box, cells: int) -> tuple[int, int]:
    """How many cells a part of an image has along its height and width: no more than pixels."""
    return min(cells, box.height), min(cells, box.width)


def side_of_mask(extent: int, cells: int, share: float) -> int:
    """How long masks are along one axis, in pixels.

    Args:
        share: side of a mask, in cells.
    """
    # No less than a cell: masks leave no gaps.
    return max(round(share * extent / cells), -(-extent // cells)) if extent > cells else 1


@lru_cache(maxsize=1024)
def axis_masks(extent: int, cells: int, share: float) -> tuple[tuple[int, int], ...]:
    """The masks along one axis, from their first pixel to the one behind the last."""
    return tuple(spans(extent, side_of_mask(extent, cells, share), min(cells, extent)))


@lru_cache(maxsize=4096)  # parts of one size have few places in what runs for them
def mask_edges(box: Box, cells: int, share: float) -> Edges:
    """The masks over a part of what runs, (cells * cells, 4), row by row: rows, then columns.

    Where the part has fewer pixels than `cells`, masks that nobody asks for are empty.
    """
    found = np.zeros((cells, cells, 4), np.int64)
    rows, columns = cells_of(box, cells)
    found[:rows, :columns, :2] = np.array(axis_masks(box.height, cells, share))[:, None] + box.top
    found[:rows, :columns, 2:] = np.array(axis_masks(box.width, cells, share))[None] + box.left
    return found.reshape(-1, 4)


def sum_under(values: Maps, cells: int, share: float) -> Maps:
    """The sum of a map's pixels under each mask, (row, column) of the grid over all of it."""
    down, across = (_coverage(extent, cells, share) for extent in values.shape)
    return np.asarray(down @ values @ across.T, np.float32)


@lru_cache(maxsize=1024)
def _coverage(extent: int, cells: int, share: float) -> Maps:
    """Which pixels each mask of an axis covers, (mask, pixel)."""
    at = np.arange(extent)
    found = [(first <= at) & (at < stop) for first, stop in axis_masks(extent, cells, share)]
    return np.array(found, np.float32)


def resampled(grid: Maps, size: tuple[int, int], box: Box, cells: int) -> Maps:
    """What a grid over a whole image says on a grid over a part of it, bilinear.

    Args:
        grid: (row, column), spread evenly over the image.
        size: of the image, in pixels.
    """
    found: Maps = grid
    wanted = cells_of(box, cells)
    for axis, (first, extent) in enumerate(((box.top, box.height), (box.left, box.width))):
        number = grid.shape[axis]
        middles = first + (np.arange(wanted[axis]) + 0.5) * extent / wanted[axis]
        places = (middles * number / size[axis] - 0.5).clip(0, number - 1)
        below = np.minimum(places.astype(np.int64), max(0, number - 2))
        above = np.minimum(below + 1, number - 1)
        part = (places - below).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        found = np.take(found, below, axis) * (1 - part) + np.take(found, above, axis) * part
    return found
