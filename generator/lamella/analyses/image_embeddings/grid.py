"""Places on a plane turned into a filled grid: every cell one image, every image one cell.

Flow: space -> **grid** -> mosaic. The cells are given out so that the squared distances that the
images have to move sum to the least possible, which is solved exactly (Jonker and Volgenant; as in
Andrej Karpathy's cnnembed, 2014). Time grows with the cube of the images and memory with their
square, hence a limit on how many a grid may have.

Source: Crouse 2016, "On implementing 2D rectangular assignment algorithms", IEEE TAES 52(4).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

WIDEST = 1.6  # columns over rows, at most


def columns_for(number: int) -> int:
    """Columns of a grid of so many cells, about square: those that leave the fewest cells empty."""
    least = math.isqrt(number - 1) + 1
    most = max(least, math.isqrt(int(number * WIDEST)))
    return min(range(least, most + 1), key=lambda columns: (-number % columns, columns))


def cells(number: int, columns: int) -> NDArray[np.float64]:
    """The middles of the first cells, row by row, in the unit square, (cell, 2)."""
    rows = math.ceil(number / columns)
    row, column = np.divmod(np.arange(number), columns)
    return np.stack([(column + 0.5) / columns, (row + 0.5) / rows], axis=1)


def assigned(points: NDArray[np.float32], columns: int) -> NDArray[np.int64]:
    """The cell of each point, of as many cells as there are points.

    Args:
        points: (point, 2), x to the right and y down.
        columns: of the grid.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    # Each axis is stretched to the grid's whole width or height: a filled grid has no margins.
    low, high = points.min(axis=0), points.max(axis=0)
    spread = (points - low) / np.maximum(high - low, 1e-12)
    cost = cdist(spread, cells(len(points), columns), "sqeuclidean")
    rows, chosen = linear_sum_assignment(cost)
    found = np.empty(len(points), np.int64)
    found[rows] = chosen
    return found
