"""A picture too large for a page, to zoom into: its figure, and how it is cut into tiles.

Flow: analyses -> **zoom** -> encoding, zoom_data.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image

from lamella.figures.picture import Picture


@dataclass(frozen=True, slots=True)
class Level:
    """One size of a picture to zoom into, cut into tiles that lie row by row.

    Attributes:
        width, height: in pixels; the next level is twice as large (an odd side loses its half).
        first: the entry number of its first tile.
    """

    width: int
    height: int
    first: int


@dataclass(frozen=True, slots=True)
class Spot:
    """A rectangle of a picture to zoom into, in pixels of its full size, that has a name.

    Attributes:
        link: path from the site's top of the page that it leads to; may be empty.
        level: where the levels show different things, the one that it is a part of: it has a name
            while that one is seen. Without it, at every level.
    """

    left: int
    top: int
    width: int
    height: int
    label: str
    link: str = ""
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Zoom:
    """A picture too large for a page, to zoom into; `tiles` makes its levels.

    What the levels show may differ: finer grids deeper down.

    Attributes:
        alt: what it shows, for those who cannot see it.
        still: what is shown without scripts and on paper.
        levels: from the smallest to the full size.
        tile: side of a tile, in pixels; those at the right and lower border are smaller.
        folder, name: the address of a tile is `folder + entry + "-" + name + ".webp"`, which is
            what `network_picture_address` gives for the panel that stored it.
        spots: places with a name; where they overlap, the last one counts.
    """

    title: str
    alt: str
    still: Picture
    levels: tuple[Level, ...]
    tile: int
    folder: str
    name: str
    spots: tuple[Spot, ...] = ()
    note: str = ""


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
