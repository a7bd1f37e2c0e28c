"""What is known of an atlas before any picture is made, and where its parts lie in the store.

Flow: sampling + grid + naming -> **drafts** -> pictures, sheet, page. Imports no torch. Entries of
an atlas are numbered by the settings alone: first the tiles of all levels, then the still picture,
the draft itself, and the batches of cells.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.activation_atlas.grid import Cells
from lamella.analyses.activation_atlas.spaces import Space

PANEL = "activation_atlas"
TILES, STILL = "tile", "still"  # names of stored pictures
TILE = 512  # pixels
STILL_SIDE = 1024  # the still picture is the largest level that is no wider
TOLD = 3  # classes that are told of each cell
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
    def draft(self) -> int:
        return self.still + 1

    def batch(self, number: int) -> int:
        return self.draft + 1 + number

    def shown(self, levels: int) -> list[int]:
        """What is published of an atlas of so many levels: its tiles, and the still picture."""
        if not levels:
            return []
        return [*range(self.first, self.first + sum(self.tiles[:levels])), self.still]

    def wanted(self, levels: int, cells: int) -> list[int]:
        """All that is made of an atlas once its draft is there."""
        batches = range(self.batch(0), self.batch(batches_of(cells)))
        return [*self.shown(levels), *batches] if levels else []

    def level_of_still(self, levels: int) -> int:
        fitting = [at for at in range(levels) if self.sides[at] * self.size <= STILL_SIDE]
        return fitting[-1] if fitting else 0


@dataclass(frozen=True, slots=True)
class Draft:
    """The cells of an atlas, and all that is known of them.

    Attributes:
        levels: the coarsest first.
        usual: the mean of all vectors, `(channel,)`.
        spread: their standard deviation, `(channel,)`.
        classes: of every cell of all levels, those it pushes most, int64 `(cell, TOLD)`; -1 for
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
    def of(cls, stored: Mapping[str, NDArray[Any]]) -> "Draft":
        """The draft that `arrays` are of."""
        cells, means = stored["cells"][0], stored["means"][0]
        levels = []
        for side in sorted(set(cells[:, 0].tolist())):
            own = cells[:, 0] == side
            _, row, column, count = cells[own].T
            levels.append(Cells(side, row, column, count, means[own]))
        usual, spread = stored["usual"][0], stored["spread"][0]
        return cls(tuple(levels), usual, spread, stored["classes"][0], stored["gains"][0])

    def told(self, space: Space) -> list[dict[str, Any]]:
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


def strongest(
    effects: NDArray[np.float32] | None, cells: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The classes whose scores gain most, and what they gain, where they gain at all."""
    classes = np.full((cells, TOLD), -1, np.int64)
    gains = np.zeros((cells, TOLD), np.float32)
    if effects is not None and len(effects):
        kept = min(TOLD, effects.shape[1])
        order = np.argsort(-effects, axis=1, kind="stable")[:, :kept]
        found = np.take_along_axis(effects, order, axis=1)
        classes[:, :kept] = np.where(found > 0, order, -1)
        gains[:, :kept] = np.where(found > 0, found, 0)
    return classes, gains


def likeness(answers: NDArray[np.float32], draft: Draft) -> list[dict[str, float]]:
    """How well the pictures of each level hit their cells.

    Returns:
        For each level "cosine", the median cosine of the layer's mean values on a picture with the
        cell's mean vector, and "own", the share of pictures that are nearer to the vector of their
        own cell than to that of any other, by the same.
    """
    found, first = [], 0
    for level in draft.levels:
        run = slice(first, first + len(level.count))
        first = run.stop
        lengths = np.linalg.norm(answers[run], axis=1, keepdims=True)
        unit = answers[run] / np.maximum(lengths, 1e-12)
        wanted = level.mean / np.linalg.norm(level.mean, axis=1, keepdims=True)
        cosine = unit @ wanted.T
        own = cosine.diagonal()
        found.append(
            {
                "cosine": float(np.median(own)),
                "own": float((cosine.argmax(axis=1) == np.arange(len(own))).mean()),
            }
        )
    return found
