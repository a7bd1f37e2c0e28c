"""What is stored of an atlas: its layout, which is known before any picture is made, and its parts.

Flow: cells, compute -> store -> **stored** -> pictures, sheet, view. Imports no torch. Entries of
an atlas are numbered by the settings alone: first the tiles of all levels, then the still picture,
the layout, and the batches of cells.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.activation_atlas.grid import Cells
from lamella.analyses.activation_atlas.spaces import Space
from lamella.store.facts import Atlas

PANEL = "activation_atlas"
DOCUMENT = "atlases"  # beside the shards
TILES, STILL = "tile", "still"  # names of stored pictures
TILE = 512  # pixels
STILL_SIDE = 1024  # the still picture is the largest level that is no wider
CLASSES = 3  # that are kept of each cell
CELLS_A_BATCH = 16


def batches_of(cells: int) -> int:
    """How many batches so many cells take."""
    return math.ceil(cells / CELLS_A_BATCH)


@dataclass(frozen=True, slots=True)
class Numbering:
    """The entries of one atlas.

    Attributes:
        place: which of the atlases it is, from 0.
        sides: cells along one side of each grid, the coarsest first.
        size: side of a cell's picture, in pixels.
    """

    place: int
    sides: tuple[int, ...]
    size: int

    @property
    def tiles(self) -> tuple[int, ...]:
        """How many tiles each level has."""
        return tuple(math.ceil(side * self.size / TILE) ** 2 for side in self.sides)

    @property
    def batches(self) -> int:
        """How many batches of cells there are at most."""
        return batches_of(sum(side * side for side in self.sides))

    @property
    def first(self) -> int:
        """The first entry, which is the first tile's."""
        return self.place * (sum(self.tiles) + 2 + self.batches)

    @property
    def still(self) -> int:
        return self.first + sum(self.tiles)

    @property
    def layout(self) -> int:
        return self.still + 1

    def batch(self, number: int) -> int:
        return self.layout + 1 + number

    def shown(self, levels: int) -> list[int]:
        """What is published of an atlas of so many levels: its tiles, and the still picture."""
        if not levels:
            return []
        return [*range(self.first, self.first + sum(self.tiles[:levels])), self.still]

    def wanted(self, levels: int, cells: int) -> list[int]:
        """All that is made of an atlas once its layout is there."""
        batches = range(self.batch(0), self.batch(batches_of(cells)))
        return [*self.shown(levels), *batches] if levels else []

    def level_of_still(self, levels: int) -> int:
        fitting = [at for at in range(levels) if self.sides[at] * self.size <= STILL_SIDE]
        return fitting[-1] if fitting else 0


@dataclass(frozen=True, slots=True)
class Layout:
    """The cells of an atlas, and all that is known of them.

    Attributes:
        levels: the coarsest first.
        usual: the mean of all vectors, `(channel,)`.
        spread: their standard deviation, `(channel,)`.
        classes: of every cell of all levels, those it pushes most, int64 `(cell, CLASSES)`; -1 for
            none.
        gains: what their scores gain, float32, likewise.
    """

    levels: tuple[Cells, ...]
    usual: NDArray[np.float32]
    spread: NDArray[np.float32]
    classes: NDArray[np.int64]
    gains: NDArray[np.float32]

    @property
    def means(self) -> NDArray[np.float32]:
        """The mean vectors of all cells, `(cell, channel)`."""
        return np.concatenate(
            [level.mean for level in self.levels] or [np.zeros((0, len(self.usual)), np.float32)]
        )

    @property
    def places(self) -> list[tuple[int, int, int]]:
        """Level, row and column of every cell."""
        return [
            (at, row, column)
            for at, level in enumerate(self.levels)
            for row, column in zip(level.row.tolist(), level.column.tolist(), strict=True)
        ]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For the store, as one row."""
        rows: dict[str, NDArray[Any]] = {
            "cells": np.array(
                [
                    [level.side, row, column, count]
                    for level in self.levels
                    for row, column, count in zip(
                        level.row.tolist(), level.column.tolist(), level.count.tolist(), strict=True
                    )
                ],
                np.int64,
            ).reshape(-1, 4),
            "means": self.means,
            "usual": self.usual,
            "spread": self.spread,
            "classes": self.classes,
            "gains": self.gains,
        }
        return {name: values[None] for name, values in rows.items()}

    @classmethod
    def of(cls, stored: Mapping[str, NDArray[Any]]) -> "Layout":
        """The layout that `arrays` are of."""
        cells, means = stored["cells"][0], stored["means"][0]
        levels = []
        for side in sorted(set(cells[:, 0].tolist())):
            own = cells[:, 0] == side
            _, row, column, count = cells[own].T
            levels.append(Cells(side, row, column, count, means[own]))
        usual, spread = stored["usual"][0], stored["spread"][0]
        return cls(tuple(levels), usual, spread, stored["classes"][0], stored["gains"][0])

    def cell_records(self, space: Space) -> list[dict[str, Any]]:
        """What the page says of each cell, as plain values: level, row, column, vectors, the
        classes with their gains, and the unit that answers most above its usual."""
        counts = [count for level in self.levels for count in level.count.tolist()]
        above = (self.means - self.usual) / np.maximum(self.spread, 1e-12)
        found = []
        for at, (level, row, column) in enumerate(self.places):
            pairs = zip(self.classes[at].tolist(), self.gains[at].tolist(), strict=True)
            unit = space.unit(int(above[at].argmax()))
            found.append(
                {
                    "at": [level, row, column],
                    "count": counts[at],
                    "classes": [[int(n), round(gain, 3)] for n, gain in pairs if n >= 0],
                    "unit": [unit.layer, unit.channel],
                }
            )
        return found


def notes_of(atlas: Atlas) -> Mapping[str, Any] | None:
    """The document; None where there is none.

    It holds "size", the side of a cell's picture, and by the name of its space what was said of
    each atlas: see `cells.laid_out`, and "likeness", see `likeness.likeness`.
    """
    found: Mapping[str, Any] | None = atlas.document(PANEL, DOCUMENT)
    return found
