"""Where thumbnails go on a map: at their places, smaller where it is crowded, never overlapping.

Flow: space -> **scatter** -> mosaic. An image that would lie on another is tried at two thirds
and at half of its size, then beside its place, at most a thumbnail's width away. If there is no
room either, it is left out, as on Andrej Karpathy's t-SNE maps.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

ROOM = 2.5  # how much larger than its thumbnails together a map is
SIZES = (1.0, 2 / 3, 0.5)
STEP = 8  # pixels: thumbnails lie on a raster this fine

Placed = tuple[int, int, int, int]  # point, left, top, side


def scattered(points: NDArray[np.float32], side: int) -> tuple[tuple[int, int], list[Placed]]:
    """A map's size in pixels, and the thumbnails on it.

    Args:
        points: in the unit square, (point, 2), x to the right and y down; the first have
            precedence.
        side: of a thumbnail, in pixels.
    """
    extent = math.sqrt(ROOM * len(points)) * side
    low, high = points.min(axis=0), points.max(axis=0)
    # Only the part of the square that is used, and half a thumbnail around it.
    width, height = (STEP * math.ceil((float(span) * extent + side) / STEP) for span in high - low)
    taken = np.zeros((height // STEP, width // STEP), np.bool_)
    beside = nudges(side // STEP)
    placed: list[Placed] = []
    for point, (x, y) in enumerate(((points - low) * extent + side / 2).tolist()):
        for share in SIZES:
            size = max(1, round(side * share / STEP))  # in steps, as everything here
            at = round(x / STEP - size / 2), round(y / STEP - size / 2)
            free = _free(taken, *at, size, beside if share == SIZES[-1] else [(0, 0)])
            if free is not None:
                left, top = free
                taken[top : top + size, left : left + size] = True
                placed.append((point, left * STEP, top * STEP, size * STEP))
                break
    return (width, height), placed


def nudges(most: int) -> list[tuple[int, int]]:
    """Moves to the side of at most so many steps, the shortest first."""
    reach = range(-most, most + 1)
    moves = [(dx, dy) for dx in reach for dy in reach if dx * dx + dy * dy <= most * most]
    return sorted(moves, key=lambda move: (move[0] ** 2 + move[1] ** 2, move))


def _free(
    taken: NDArray[np.bool_], left: int, top: int, size: int, moves: list[tuple[int, int]]
) -> tuple[int, int] | None:
    """The first place, after one of the moves, at which nothing lies yet."""
    height, width = taken.shape
    for dx, dy in moves:
        x, y = min(max(0, left + dx), width - size), min(max(0, top + dy), height - size)
        if not taken[y : y + size, x : x + size].any():
            return x, y
    return None
