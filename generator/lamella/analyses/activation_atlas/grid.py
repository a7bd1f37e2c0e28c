"""Points of a plane in the cells of a grid, at several sizes, and what is in each on average.

Flow: projection -> **grid** -> class_names, cells. Pure numpy. A cell of one level is two by two of
the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COVERED = 0.5  # of the vectors that a level must show to be worth a look


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one level that hold enough, row by row.

    Attributes:
        side: cells along one side of the grid.
        row, column: of each cell, int64; row 0 is on top, where the second coordinate is largest.
        count: vectors in each.
        mean: of them, float32, `(cell, channel)`.
    """

    side: int
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    count: NDArray[np.int64]
    mean: NDArray[np.float32]


def places(points: NDArray[np.float32], side: int) -> NDArray[np.int64]:
    """The cell of each point of the unit square, numbered row by row from the top."""
    at = np.minimum((points.astype(np.float64) * side).astype(np.int64), side - 1)
    numbers: NDArray[np.int64] = (side - 1 - at[:, 1]) * side + at[:, 0]
    return numbers


def cells(
    points: NDArray[np.float32], vectors: NDArray[np.float32], side: int, fewest: int
) -> Cells:
    """The cells of a grid that hold at least `fewest` vectors and whose mean is not zero."""
    number = places(points, side)
    count = np.bincount(number, minlength=side * side)
    kept = np.flatnonzero(count >= fewest)
    order = np.argsort(number, kind="stable")
    stops = np.cumsum(count)
    mean = np.stack(
        [
            vectors[order[stop - size : stop]].mean(axis=0, dtype=np.float64)
            for stop, size in zip(stops[kept].tolist(), count[kept].tolist(), strict=True)
        ]
        or [np.zeros(vectors.shape[1])]
    )[: len(kept)].astype(np.float32)
    some = (mean != 0).any(axis=1)
    row, column = np.divmod(kept[some], side)
    return Cells(side, row, column, count[kept[some]], mean[some])


def levels(
    points: NDArray[np.float32],
    vectors: NDArray[np.float32],
    sides: Sequence[int],
    fewest: int,
) -> list[Cells]:
    """The grids from the coarsest to the last that still shows half of the vectors."""
    found: list[Cells] = []
    for side in sides:
        level = cells(points, vectors, side, fewest)
        if int(level.count.sum()) < COVERED * len(points) or not len(level.count):
            break
        found.append(level)
    return found
