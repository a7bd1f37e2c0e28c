"""What is laid over a photograph to show where a unit answers: heat, or shade outside of a mask.

Flow: maps, upsampling -> **overlays** -> encoding. Both have few colours, so that a sheet of
them is a few kilobytes.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.network.units import Layer
from lamella.numbers.upsampling import Maps, upsampled

Colours = NDArray[np.uint8]  # (..., row, column, RGBA)
LEVELS = 16  # of heat
OPAQUE = 0.85  # heat at full scale, of 255
SHADE = 0.78  # black outside of a mask
# Heat from zero to full scale, either sign; on a photograph both ends stand out.
POSITIVE = ((255, 0, 80), (255, 110, 0), (255, 235, 40))
NEGATIVE = ((90, 60, 255), (0, 150, 255), (60, 255, 240))


def grid(positions: int, side: int) -> int:
    """Pixels of a grid that is reduced to `side`: two for each of its pixels and each position."""
    return side * max(2, math.ceil(2 * positions / side))


def blocks(values: Maps, side: int) -> Maps:
    """What of a grid falls on each of `side` by `side` pixels, `(..., side, side, part)`."""
    step = values.shape[-1] // side
    cut = values.reshape(*values.shape[:-2], side, step, side, step).swapaxes(-3, -2)
    return cut.reshape(*values.shape[:-2], side, side, step * step)


def views(
    maps: Maps, layer: Layer, size: tuple[int, int], side: int, scale: float, threshold: float
) -> tuple[Colours, Colours, NDArray[np.float32]]:
    """Heat and shade of activation maps, and the share of each image above the threshold.

    Args:
        maps: `(map, row, column)`; NaN where there is none, which gives nothing at all.
        size: of the image, in pixels.
        side: of the pictures.
        scale: the activation of full colour.
    Returns:
        Two arrays `(map, side, side, RGBA)`, and the shares, NaN where there is no map.
    """
    known = np.asarray(np.isfinite(maps).all(axis=(1, 2)))
    if not layer.placed:  # where a position lies is not known: one value for the whole image
        maps = maps.max(axis=(1, 2), keepdims=True)
    fine = upsampled(
        np.where(known[:, None, None], maps, 0), layer, size, grid(max(maps.shape[1:]), side)
    )
    parts = blocks(fine, side)
    # Of what falls on one pixel, the strongest counts: a single high place must not fade.
    strongest = parts.max(-1)
    if layer.signed:
        lowest = parts.min(-1)
        strongest = np.where(-lowest > strongest, lowest, strongest)
    above = (parts > threshold).mean(-1)
    shades = shade(above)
    shades[~known] = 0
    shares = np.where(known, above.mean(axis=(1, 2)), np.nan).astype(np.float32)
    return heat(strongest, scale), shades, shares


def heat(values: Maps, scale: float) -> Colours:
    """Colours whose alpha is proportional to the activation, in LEVELS steps.

    Red to yellow above zero, violet to cyan below; nothing at zero.
    """
    steps = values / scale * LEVELS if scale > 0 else np.zeros_like(values)
    numbered: NDArray[np.int64] = np.rint(steps.clip(-LEVELS, LEVELS)).astype(np.int64)
    return _TABLE[numbered + LEVELS]


def shade(inside: Maps) -> Colours:
    """Black over what lies outside; `inside` is the share of a pixel that does not."""
    found = np.zeros((*inside.shape, 4), np.uint8)
    found[..., 3] = np.rint(255 * SHADE * (1 - inside))
    return found


def _table() -> Colours:
    """The colour of each level of heat, from the most negative one to the strongest."""
    found = np.zeros((2 * LEVELS + 1, 4), np.uint8)
    levels = np.arange(1, LEVELS + 1) / LEVELS
    for sign, colours in ((1, POSITIVE), (-1, NEGATIVE)):
        at = LEVELS + sign * np.arange(1, LEVELS + 1)
        stops = np.linspace(0, 1, len(colours))
        for axis in range(3):
            found[at, axis] = np.interp(levels, stops, [colour[axis] for colour in colours])
        found[at, 3] = np.rint(255 * OPAQUE * levels)
    return found


_TABLE = _table()


def sheet(cells: Colours, columns: int) -> Image.Image:
    """Square pictures `(cell, side, side, RGBA)` side by side, `columns` a row."""
    number, side = cells.shape[:2]
    rows = -(-number // columns)
    whole = np.zeros((rows * columns, side, side, 4), np.uint8)
    whole[:number] = cells
    laid = whole.reshape(rows, columns, side, side, 4).swapaxes(1, 2)
    return Image.fromarray(laid.reshape(rows * side, columns * side, 4))
