"""Which units answer to the same photographs as each unit: an exact search among sketches.

Flow: survey's profiles -> **correlation** -> compute. A profile's sketch holds 256
numbers whatever the number of photographs (`survey/profile.py`), and the cosine of two sketches
estimates the correlation r of two units' peak activations with a standard error of about
(1 - r^2) / 16: 0.06 where it is weak, 0.01 at 0.9. The search itself leaves nothing out: every unit
is compared with every other, n^2 products of 256 numbers (27,000 units: 0.4 teraflop), in blocks of
at most `BLOCK` numbers, so that memory grows with n alone.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

NEAREST = 8  # units that are kept, in the own layer and in the others
LEAST = 4  # units that are kept at the other end
ERROR = 1 / 16  # standard error of the correlation of two unrelated units
NOTABLE = -0.3  # from which on a negative correlation is worth a word
BLOCK = 2**24  # correlations of a block: 64 MB, three times in memory while it is sorted

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ranked:
    """For each unit some others, best first, `(unit, place)`: -1 where there are no more."""

    unit: NDArray[np.int32]
    correlation: Points

    @classmethod
    def empty(cls, units: int, places: int) -> "Ranked":
        return cls(np.full((units, places), -1, np.int32), np.zeros((units, places), np.float32))

    def put(self, rows: slice, block: Points, sign: int, offset: int = 0) -> None:
        """Note the largest of each row, or with `sign` -1 the smallest; infinite ones are none."""
        places = min(self.unit.shape[1], block.shape[1])
        if not places:
            return
        keys = -block if sign > 0 else block
        some = np.argpartition(keys, places - 1, axis=1)[:, :places]
        found = np.take_along_axis(keys, some, axis=1)
        order = np.lexsort((some, found), axis=1)  # of equals, the first unit
        some = np.take_along_axis(some, order, axis=1)
        found = np.take_along_axis(found, order, axis=1)
        known = np.isfinite(found)
        self.unit[rows, :places] = np.where(known, some + offset, -1)
        self.correlation[rows, :places] = np.where(known, -sign * found, 0)


def correlated(profiles: Points, layers: Sequence[int]) -> tuple[Ranked, Ranked, Ranked]:
    """The most correlated units of each in its own layer and in others, and the least correlated.

    Args:
        profiles: a sketch for each unit, none of them zero, `(unit, WIDTH)`; layer by layer.
        layers: how many units each layer has.
    """
    number = len(profiles)
    lengths = np.linalg.norm(profiles, axis=1, keepdims=True)
    unit = profiles / np.maximum(lengths, 1e-12)
    own, other = Ranked.empty(number, NEAREST), Ranked.empty(number, NEAREST)
    least = Ranked.empty(number, LEAST)
    for rows, layer in _blocks(layers, max(1, BLOCK // max(1, number))):
        block = unit[rows] @ unit.T
        itself = np.arange(block.shape[0]), np.arange(rows.start, rows.stop)
        block[itself] = np.inf
        least.put(rows, block, -1)
        block[itself] = -np.inf
        own.put(rows, block[:, layer], 1, layer.start)
        block[:, layer] = -np.inf
        other.put(rows, block, 1)
    return own, other, least


def _blocks(layers: Sequence[int], most: int) -> Iterator[tuple[slice, slice]]:
    """Runs of at most so many units, each of one layer, and where that layer lies."""
    stops = np.cumsum([0, *layers]).tolist()
    for start, stop in pairwise(stops):
        for first in range(start, stop, most):
            yield slice(first, min(first + most, stop)), slice(start, stop)


def by_chance(units: int) -> float:
    """What the largest of so many correlations may reach by the sketches' error alone."""
    return ERROR * math.sqrt(2 * math.log(max(units, 2)))
