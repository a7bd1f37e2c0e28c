"""The levels of an atlas as pictures: cells side by side, each with its class.

Flow: pictures + stored -> **sheet** -> compute -> store. Every level has cells of the same size, so
that each is twice as wide as the one before. Imports no torch.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lamella.analyses.activation_atlas.grid import Cells

GROUND = (0, 0, 0, 0)  # where too few vectors lie, the page shows through
INK, HALO = (255, 255, 255), (12, 13, 16)
LETTERS = 11  # pixels
LEAST = 48  # side of a cell, in pixels, that has room for words
LINES = 2
ELLIPSIS = "…"


def sheet(
    cells: Cells,
    pixels: NDArray[np.uint8],
    size: int,
    labels: Sequence[str],
    seen: tuple[int, int] = (0, 0),
) -> Image.Image:
    """One level.

    Args:
        pixels: sRGB bytes of each cell, `(cell, size, size, 3)`.
        size: side of a cell, in pixels.
        labels: of each cell; "" for none.
        seen: height and width of what the network takes: where a cell is as large as the longer of
            them, it shows the middle, and the page shows through around it.
    """
    drawn = np.empty((cells.side, size, cells.side, size, 4), np.uint8)
    drawn[:] = GROUND
    opaque = np.full((*pixels.shape[:3], 1), 255, np.uint8)
    if size == max(seen):
        top, left = ((size - extent) // 2 for extent in seen)
        around = np.ones((size, size), bool)
        around[top : top + seen[0], left : left + seen[1]] = False
        opaque[:, around] = 0
    drawn[cells.row, :, cells.column] = np.concatenate([pixels, opaque], axis=3)
    picture = Image.fromarray(drawn.reshape(cells.side * size, cells.side * size, 4))
    pen = ImageDraw.Draw(picture)
    places = zip(cells.row.tolist(), cells.column.tolist(), labels, strict=True)
    for row, column, label in places:
        lines = wrapped(label, size - 6) if size >= LEAST else ()
        for at, line in enumerate(reversed(lines)):
            left, bottom = column * size + 4, (row + 1) * size - 4 - at * (LETTERS + 1)
            pen.text(
                (left, bottom),
                line,
                INK,
                font(),
                anchor="ls",
                stroke_width=2,
                stroke_fill=HALO,
            )
    return picture


@lru_cache(maxsize=1)
def font() -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow: the same letters on every machine."""
    found = ImageFont.load_default(LETTERS)
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType; install the ordinary wheel.")
    return found


@lru_cache(maxsize=4096)
def wrapped(label: str, width: int) -> tuple[str, ...]:
    """A label in lines that are no wider, the last one shortened; () where it cannot be drawn.

    The font has hardly more than ASCII: accents are dropped, and a name with other signs is left
    out rather than drawn as boxes. The page has it in full.
    """
    parted = unicodedata.normalize("NFKD", label[:200])
    words = "".join(sign for sign in parted if not unicodedata.combining(sign)).split()
    if not words or not all(_known(sign) for word in words for sign in word):
        return ()
    lines = [words[0]]
    for word in words[1:]:
        if font().getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    kept = lines[:LINES]
    short = len(lines) > LINES
    return tuple(_fitted(line, width, short and at == LINES - 1) for at, line in enumerate(kept))


def _fitted(line: str, width: int, more: bool) -> str:
    """A line, shortened until it fits."""
    text = line + ELLIPSIS if more else line
    while font().getlength(text) > width and len(text) > 1:
        line = line[:-1]
        text = line.rstrip() + ELLIPSIS
    return text


@lru_cache(maxsize=4096)
def _known(sign: str) -> bool:
    """Whether the font can draw a sign."""
    if not sign.isprintable():
        return False
    return bytes(font().getmask(sign)) != bytes(font().getmask("\uffff"))
