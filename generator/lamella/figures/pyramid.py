"""A large picture as a pyramid of tiles, which a page can zoom into.

Flow: panels -> **pyramid** -> store, and figures.Zoom. A level is twice as wide and high as the one
before it; a side of odd length is rounded up when it is halved, which is what readers of such
pyramids expect. Memory: the full picture, and a third of it.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from PIL import Image

from lamella.figures import Level

TILE = 512  # pixels: a tile of photographs weighs some 50 kB, and a picture has few files


def halved(image: Image.Image, tile: int = TILE) -> tuple[Image.Image, ...]:
    """A picture and its halves, smallest first: the smallest fits into one tile.

    Pixels are means of two by two; where there is an alpha channel, weighted by it.
    """
    levels = [image]
    while max(levels[-1].size) > tile:
        width, height = levels[-1].size
        half = math.ceil(width / 2), math.ceil(height / 2)
        levels.append(levels[-1].resize(half, Image.Resampling.BOX))
    return tuple(reversed(levels))


def cut(image: Image.Image, tile: int) -> list[Image.Image]:
    """The tiles of a picture, row by row; those at the right and lower border are smaller."""
    width, height = image.size
    return [
        image.crop((left, top, min(left + tile, width), min(top + tile, height)))
        for top in range(0, height, tile)
        for left in range(0, width, tile)
    ]


def tiles(
    levels: Sequence[Image.Image], tile: int = TILE, first: int = 0
) -> tuple[tuple[Level, ...], list[Image.Image]]:
    """Cut a pyramid into tiles.

    Args:
        levels: from the smallest to the full size; what they show may differ.
        tile: side of a tile, in pixels.
        first: the entry number of the first tile.
    Returns:
        The levels as a figure names them, and all tiles in the order of their entry numbers.
    Raises:
        ValueError: a level is not half the next one.
    """
    for small, large in pairwise(levels):
        if small.size != (math.ceil(large.width / 2), math.ceil(large.height / 2)):
            raise ValueError(f"a level of {small.size} is not half of the next, {large.size}")
    made: list[Level] = []
    parts: list[Image.Image] = []
    for level in levels:
        made.append(Level(level.width, level.height, first + len(parts)))
        parts += cut(level, tile)
    return tuple(made), parts
