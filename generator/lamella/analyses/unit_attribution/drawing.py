"""The sheet of one unit: what guided backpropagation and masks say of each of its examples.

Flow: example_maps -> **drawing** -> store. A row for each example: the guided map, the map under
masks, and what lies over the patch to show where the two agree. All three have the shape of the
patch, in the middle of a square, as the patches of the dataset examples have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.unit_attribution.example_maps import ExampleMaps
from lamella.analyses.unit_attribution.stored import COLUMNS
from lamella.config.planes import Planes
from lamella.figures.heat import HALF, picture, rim, smooth
from lamella.network.units import Box
from lamella.numbers.rank_correlation import spearman

SHARP = 32  # a side of so few pixels is shown as it is, not smeared
FULL = 99.5  # percentile of a gradient's magnitudes that has full colour
FEW = 4  # cells along a side that are not made smooth
DASH = 4  # pixels
DIM = 150  # black over what neither map marks, of 255

Maps = NDArray[np.float32]
Marks = NDArray[np.bool_]


def extent(box: Box, side: int) -> tuple[int, int]:
    """Rows and columns of a part of an image on a square of `side` pixels."""
    scale = side / max(box.width, box.height)
    return max(1, round(box.height * scale)), max(1, round(box.width * scale))


def marked(values: Maps, size: tuple[int, int]) -> Marks:
    """Where a map, made smooth, reaches half of its maximum; nowhere if nothing is above zero."""
    full = float(values.max())
    return _fine(values, size) >= HALF * full if full > 0 else np.zeros(size, np.bool_)


def _fine(values: Maps, size: tuple[int, int]) -> Maps:
    """A map on the pixels of a picture: smooth, but a handful of cells as they are."""
    if max(values.shape) > FEW:
        return smooth(values, size)
    rows, columns = (
        np.arange(side) * cells // side for side, cells in zip(size, values.shape, strict=True)
    )
    return values[np.ix_(rows, columns)]


def compare(one: ExampleMaps, side: int) -> tuple[float, tuple[float, float, float]]:
    """How far the two maps of an example agree.

    Args:
        side: of the pictures, in pixels.
    Returns:
        Their rank correlation, NaN where one of them is level; and how much of the patch both mark,
        how much only guided backpropagation does, and how much only masks do.
    """
    size = extent(one.box, side)
    guided, lost = marked(one.grid, size), marked(one.lost, size)
    both, first, second = (part.mean() for part in (guided & lost, guided & ~lost, lost & ~guided))
    return float(spearman(one.grid, one.lost)), (float(both), float(first), float(second))


def sheet(examples: list[ExampleMaps | None], side: int, planes: Planes) -> Image.Image:
    """A row of three cells for each example, left empty where there is none."""
    drawn = Image.new("RGBA", (COLUMNS * side, len(examples) * side))
    for row, one in enumerate(examples):
        if one is None:
            continue
        size = extent(one.box, side)
        at = (side - size[1]) // 2, row * side + (side - size[0]) // 2
        over = _outlines(marked(one.grid, size), marked(one.lost, size))
        full = float(np.abs(one.lost).max())
        # Level from cell to cell where there are few: one is a pixel of the image then.
        few = max(one.lost.shape) <= FEW
        lost = picture(_fine(one.lost, size) if few else one.lost, full, True, size)
        cells = (gradient_picture(tinted(one.guided, planes), size), lost, over)
        for column, cell in enumerate(cells):
            drawn.paste(cell, (column * side + at[0], at[1]))
    low = drawn.getchannel("A").getextrema()[0]
    return drawn.convert("RGB") if low == 255 else drawn


def tinted(gradient: Maps, planes: Planes) -> Maps:
    """A gradient, (plane, row, column), in the colours that the planes are shown in."""
    found: Maps = np.moveaxis(planes.tinted(np.moveaxis(gradient, 0, -1)), -1, 0)
    return np.ascontiguousarray(found)


def gradient_picture(gradient: Maps, size: tuple[int, int]) -> Image.Image:
    """A gradient as a picture: grey where it is nothing, in each colour lighter for more of it.

    So the papers show it. Its strongest values are few and far above the others: the full colour is
    that of the `FULL`-th percentile.
    """
    how = Image.Resampling.NEAREST if max(gradient.shape[1:]) <= SHARP else Image.Resampling.LANCZOS
    planes = np.stack(
        [np.asarray(Image.fromarray(plane).resize((size[1], size[0]), how)) for plane in gradient],
        axis=-1,
    )
    full = float(np.percentile(np.abs(planes), FULL)) or 1.0
    drawn = (127.5 * (planes / full + 1)).clip(0, 255).round()
    return Image.fromarray(drawn.astype(np.uint8))


def _outlines(guided: Marks, lost: Marks) -> Image.Image:
    """What is laid over the patch: dark where neither marks anything, a line around each.

    The line around what guided backpropagation marks is whole, that around what masks do is dashed.
    """
    drawn = np.zeros((*guided.shape, 4), np.uint8)
    drawn[~(guided | lost), 3] = DIM
    rows, columns = (np.arange(side) // DASH for side in guided.shape)
    gaps = (rows[:, None] + columns) % 2 == 0
    for region, shown in ((lost, gaps), (guided, np.ones_like(gaps))):
        drawn[rim(~region) & shown] = (0, 0, 0, 255)
        drawn[rim(region) & shown] = (255, 255, 255, 255)
    return Image.fromarray(drawn)
