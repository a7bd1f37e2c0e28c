"""The pictures of the tests: small maps, and photographs with the thing and the point beside it.

Flow: map_similarity, pointing_game -> **drawing** -> compute.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lamella.analyses.sanity_checks.masks import Mask
from lamella.attribution.methods import BY_NAME
from lamella.figures.encoding import encode, lossless
from lamella.figures.heat import full_colour, picture, rim
from lamella.numbers.rank_correlation import Maps

SIDE = 112  # of all pictures, in pixels
INK, LIGHT = (0, 0, 0), (255, 255, 255)


def full_of(name: str, values: Maps) -> float:
    """What has the full colour of a map, by the rule of the pages of attribution maps."""
    method, finite = BY_NAME[name], np.nan_to_num(values, posinf=0, neginf=0)
    return full_colour(finite, SIDE, fine=method.fine, signed=method.signed)


def map_picture(name: str, values: Maps) -> bytes:
    """A map of a method on its own scale, (row, column)."""
    drawn = picture(values, full_of(name, values), BY_NAME[name].signed, SIDE)
    return lossless(drawn) if BY_NAME[name].fine else encode(drawn, 85)


def photograph(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """An image as the network sees it, small."""
    return encode(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX), quality)


def missed(
    pixels: NDArray[np.uint8], mask: Mask, where: NDArray[np.float64], quality: int
) -> bytes:
    """An image with the thing outlined and a cross where a map pointed instead.

    Args:
        where: row and column, in sides of the image.
    """
    small = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX)
    inside = np.asarray(Image.fromarray(mask).resize((SIDE, SIDE), Image.Resampling.NEAREST))
    drawn = np.array(small)
    drawn[~inside] = (0.45 * drawn[~inside]).astype(np.uint8)  # the thing alone stays light
    drawn[rim(inside)] = LIGHT
    made = Image.fromarray(drawn)
    pen = ImageDraw.Draw(made)
    row, column = (float(at) * SIDE for at in where)
    for width, colour in ((5, INK), (2, (255, 214, 0))):
        for tilt in (-1, 1):
            pen.line((column - 6, row - 6 * tilt, column + 6, row + 6 * tilt), colour, width)
    return encode(made, quality)
