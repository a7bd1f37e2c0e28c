"""Patches: the part of an image that a position of a layer sees, cut out and framed.

Flow: images -> **patches** -> encoding, picture.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.figures.format import short
from lamella.figures.picture import Picture
from lamella.network.units import Box
from lamella.store.store import Sheet


def patch(pixels: NDArray[np.uint8], box: Box, side: int) -> Image.Image:
    """The part of an image that a position sees, on a square of `side` pixels.

    A field that the border cuts off keeps its shape and lies in the middle of a transparent square.
    """
    cut = Image.fromarray(pixels[box.top : box.top + box.height, box.left : box.left + box.width])
    scale = side / max(box.width, box.height)
    small = box.width <= side // 3  # few pixels are shown as they are, not smeared
    size = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    cut = cut.resize(size, Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS)
    if size == (side, side):
        return cut
    square = Image.new("RGBA", (side, side))
    square.paste(cut, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def cut_out(
    sheet: Picture, cells: Sheet, place: int, what: str, activation: float, box: Box
) -> Picture:
    """A patch on the sheet of a unit: the cell of its `place`-th example, which shows `what`."""
    return Picture(
        sheet.src,
        f"Patch {place + 1}: {what}, activation {short(activation)}",
        cells.width,
        cells.height,
        cell=place,
        columns=cells.columns,
        rows=cells.rows,
        pixelated=box.width <= 32,
    )


@lru_cache(maxsize=8192)  # places of one layer have few different boxes
def visible(box: Box, height: int, width: int, least: int = 24) -> Box:
    """A frame around a box of an image that is never too small to be found."""
    across, down = (
        min(max(side, least), most) for side, most in ((box.width, width), (box.height, height))
    )
    left = min(max(0, box.left + (box.width - across) // 2), width - across)
    top = min(max(0, box.top + (box.height - down) // 2), height - down)
    return Box(left, top, across, down)
