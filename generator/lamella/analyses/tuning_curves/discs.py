"""Discs on grey, from a pixel or two to most of the image: a centre without its surround.

Flow: canvas + colours -> **discs** -> families. Where a larger disc answers less than a smaller
one, a surround holds the unit back.
"""

import numpy as np

from lamella.analyses.tuning_curves.canvas import covered, painted, plane
from lamella.analyses.tuning_curves.colours import NAMED, colour
from lamella.analyses.tuning_curves.family import Axis, Family, Image, Size, spaced

KINDS = ("white", "black", *NAMED.values())
SMALLEST = 1.5  # pixels
RATIO = 1.587  # of neighbouring radii: ten of them at 224 pixels


def ink(kind: int) -> tuple[float, float, float]:
    """sRGB of a kind, by its place in `KINDS`."""
    return ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), *map(colour, NAMED))[kind]


def disc(kind: int, radius: float, size: Size) -> Image:
    """One disc in the middle of the image, `(3, row, column)`.

    Args:
        kind: its place in `KINDS`.
        radius: in pixels.
    """
    return painted(covered(radius - np.hypot(*plane(size))), ink(kind))


def discs(size: Size) -> Family:
    """White, black and six hues; radii from 1.5 pixels to three sevenths of the shorter side."""
    return Family(
        "discs",
        (
            Axis("colour", tuple(map(float, range(len(KINDS)))), names=KINDS),
            Axis("radius", spaced(SMALLEST, min(size) * 3 / 7, RATIO), "px"),
        ),
        lambda kind, radius: disc(int(kind), radius, size),
        centred=True,
    )
