"""Sums per row and class: which classes come up beside another, or under a label.

Flow: probabilities -> **class_sums** -> tally. A table with an entry for each pair would take
1.8 GB for 21,000 classes. Up to `DENSE` entries there is such a table, and sums are exact. Beyond
that each row keeps the `SLOTS` classes with the largest sums, of the `EACH` largest values of each
image: the sum of a class may then leave out images in which it was far behind, and is never too
large.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DENSE = 1 << 25  # entries of a full table: 256 MB, of which the system gives what is written to
SLOTS = 64
EACH = 16


class ClassSums:
    """Sums of values per row and class.

    Args:
        rows, classes: how many of each.
        dense: entries up to which there is a full table.
    """

    fields = ("ids", "sums")

    def __init__(self, rows: int, classes: int, dense: int = DENSE) -> None:
        self.exact = rows * classes <= dense
        width = classes if self.exact else SLOTS
        self.sums = np.zeros((rows, width), np.float64)
        self.ids = np.full((0 if self.exact else rows, width), -1, np.int32)

    def add(self, row: int, values: NDArray[Any]) -> None:
        """Add what an image says of each class, `(class,)`, never negative, to a row."""
        if self.exact:
            self.sums[row] += values
            return
        largest = np.argpartition(-values, min(EACH, len(values) - 1))[:EACH]
        largest = largest[values[largest] > 0]
        ids, at = np.unique(np.concatenate([self.ids[row], largest]), return_inverse=True)
        sums = np.bincount(at, np.concatenate([self.sums[row], values[largest]]))
        sums[ids < 0] = 0
        order = np.lexsort((ids, -sums))[:SLOTS]
        order = order[sums[order] > 0]
        self.ids[row], self.sums[row] = -1, 0
        self.ids[row, : len(order)], self.sums[row, : len(order)] = ids[order], sums[order]

    def largest(self, number: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The classes with the largest sums of each row, `(row, number)`, and the sums.

        Equal sums go to the lower class; -1 and 0 where there are no more above zero.
        """
        rows, width = self.sums.shape
        classes = np.full((rows, number), -1, np.int32)
        sums = np.zeros((rows, number), np.float64)
        for row in np.flatnonzero(self.sums.any(axis=1)).tolist():
            ids = np.arange(width) if self.exact else self.ids[row]
            order = np.lexsort((ids, -self.sums[row]))[:number]
            order = order[self.sums[row, order] > 0]
            classes[row, : len(order)] = ids[order]
            sums[row, : len(order)] = self.sums[row, order]
        return classes, sums
