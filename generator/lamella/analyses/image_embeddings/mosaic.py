"""Maps and grids of thumbnails, drawn, and cut into the tiles of a picture to zoom into.

Flow: scatter, grid -> **mosaic** -> compute -> store. Memory: 4 bytes a pixel of the whole picture
and a third of that for its smaller sizes; with thumbnails of 96 pixels a grid of 2,500 takes 120
MB, a map 310.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.image_embeddings.scatter import Placed
from lamella.analyses.image_embeddings.stored import Mosaic
from lamella.figures.encoding import encode
from lamella.figures.zoom import TILE, halved, tiles
from lamella.store.store import Shard, Sheet

STILL = 1024  # pixels: longer side of what is shown without scripts


def gridded(cells: Sequence[int], columns: int, side: int) -> tuple[tuple[int, int], list[Placed]]:
    """The size in pixels of a grid, and where the thumbnails lie; `cells` are those of the rows."""
    rows = -(-len(cells) // columns)
    placed = [
        (row, cell % columns * side, cell // columns * side, side) for row, cell in enumerate(cells)
    ]
    return (columns * side, rows * side), placed


def drawn(
    size: tuple[int, int], placed: Sequence[Placed], thumbnails: NDArray[np.uint8]
) -> Image.Image:
    """Thumbnails at their places, in RGBA; the ground is clear, so that it suits light and dark."""
    canvas = Image.new("RGBA", size)
    for row, left, top, side in placed:
        thumbnail = Image.fromarray(thumbnails[row])
        if thumbnail.width != side:
            thumbnail = thumbnail.resize((side, side), Image.Resampling.LANCZOS)
        canvas.paste(thumbnail, (left, top))
    return canvas


def tiled(
    name: str,
    picture: Image.Image,
    placed: Sequence[Placed],
    numbers: Sequence[int],
    first: int,
    quality: int,
) -> tuple[Mosaic, Shard]:
    """A mosaic and the shard that holds its tiles.

    Args:
        placed: with rows, where the pages want images.
        numbers: the image's number of each row.
        first: the entry number of its first tile.
    """
    levels, parts = tiles(halved(picture), first=first)
    still = picture.copy()
    still.thumbnail((STILL, STILL), Image.Resampling.BOX)
    none = [b""] * (len(parts) - 1)
    shard = Shard(
        tuple(range(first, first + len(parts))),
        pictures={
            name: [encode(part, quality) for part in parts],
            f"{name}-still": [encode(still, quality), *none],
        },
        sheets={name: Sheet(TILE, TILE), f"{name}-still": Sheet(*still.size)},
    )
    where = tuple((int(numbers[row]), left, top, side) for row, left, top, side in placed)
    return Mosaic(name, first, levels, where), shard
