"""All maps of a layer in one picture, cell by cell.

Flow: maps -> **grid** -> compute -> store. Maps keep their pixels: each is enlarged by a whole
number, or, if it is very large, reduced by one. Pictures have no loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.layer_activations.colours import DEAD, Levels, coloured

WIDTH = 930  # of a picture, in pixels: what a page has room for
CELL = 26  # least side of a map
POINT = 14  # side of a cell where a layer has no positions
HIGHEST = 12_000  # a WebP picture may have 16,383 rows and columns

Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the maps of a layer lie in their picture.

    Attributes:
        columns: maps a row; a power of two, so that a unit's number is easily found.
        enlarged: pixels of the picture per position of a map, along each axis.
        reduced: positions per pixel; 1 unless the maps are very large.
    """

    columns: int
    enlarged: int
    reduced: int


def squared(maps: Maps) -> Maps:
    """Maps to be looked at: a row of tokens, one column wide, is folded into lines.

    NaN where the last line is not full.
    """
    units, rows, columns = maps.shape
    if columns > 1 or rows < 4:
        return maps
    side = math.ceil(math.sqrt(rows))
    lines = -(-rows // side)
    folded = np.full((units, lines * side), np.nan, np.float32)
    folded[:, :rows] = maps[:, :, 0]
    return folded.reshape(units, lines, side)


def reduced(maps: Maps, factor: int) -> Maps:
    """Maps of which each value is that of largest magnitude in a block of `factor` by `factor`."""
    if factor == 1:
        return maps
    units, rows, columns = maps.shape
    padded = np.pad(maps, ((0, 0), (0, -rows % factor), (0, -columns % factor)))
    rows, columns = padded.shape[1] // factor, padded.shape[2] // factor
    blocks = padded.reshape(units, rows, factor, columns, factor).transpose(0, 1, 3, 2, 4)
    each = blocks.reshape(units, rows, columns, factor * factor)
    largest = np.abs(each).argmax(axis=-1)[..., None]
    found: Maps = np.take_along_axis(each, largest, axis=-1)[..., 0]
    return found


def layout(units: int, rows: int, columns: int, most: int) -> Layout:
    """How so many maps of so many positions are laid out.

    Args:
        most: side that a map may have, in pixels.
    """
    longer = max(rows, columns)
    factor = max(1, -(-longer // most))
    least = POINT if longer == 1 else CELL
    while True:
        high, wide = (-(-side // factor) for side in (rows, columns))
        scale = max(1, -(-least // longer)) if factor == 1 else 1
        high, wide = high * scale + 1, wide * scale + 1
        across = 2 ** int(math.log2(max(1, WIDTH // wide)))
        while -(-units // across) * high > HIGHEST:
            across *= 2
        if min(across, units) * wide <= HIGHEST:
            return Layout(min(across, units), scale, factor)
        factor += 1  # tens of thousands of large maps


def drawn(found: Levels, there: NDArray[np.bool_], dead: NDArray[np.bool_], signed: bool,
          how: Layout) -> Image.Image:  # fmt: skip
    """The picture of a layer: maps row by row, a transparent line around each.

    Args:
        found: the colour of each position, (unit, row, column).
        there: (row, column), whether a position exists at all.
        dead: units that nothing excites: their cell is empty but for a stroke.
    """
    units, rows, columns = found.shape
    high, wide = rows * how.enlarged + 1, columns * how.enlarged + 1
    lines = -(-units // how.columns)
    sheet = np.zeros((lines * high, how.columns * wide, 4), np.uint8)
    colours = coloured(found, signed)
    opaque = np.repeat(np.repeat(there, how.enlarged, 0), how.enlarged, 1)
    for unit in range(units):
        line, column = divmod(unit, how.columns)
        cell = sheet[line * high : line * high + high - 1, column * wide :][:, : wide - 1]
        if dead[unit]:
            cell[_stroke(*cell.shape[:2])] = DEAD
        else:
            cell[..., :3] = np.repeat(np.repeat(colours[unit], how.enlarged, 0), how.enlarged, 1)
            cell[..., 3] = 255 * opaque
    return Image.fromarray(sheet)


def _stroke(rows: int, columns: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pixels of a stroke from the lower left to the upper right, in the middle of a cell."""
    long = np.arange(max(rows, columns) // 4, max(1, 3 * max(rows, columns) // 4))
    return (rows - 1 - long * rows // max(rows, columns)), long * columns // max(rows, columns)
