"""The ground that stimuli are painted on: mid-grey, with the middle of the image as the origin.

Flow: **canvas** -> gratings, arcs, colours, discs. Values are the image's own sRGB numbers, which
are what a network sees, not amounts of light. Edges have a ramp of one pixel, the share of a pixel
that a straight edge covers.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.tuning_curves.family import Image, Size

GREY = 0.5  # sRGB of the ground

Plane = NDArray[np.float64]


def plane(size: Size) -> tuple[Plane, Plane]:
    """Pixels from the middle of the image: to the right, `(1, column)`, and up, `(row, 1)`."""
    rows, columns = size
    return (
        (np.arange(columns, dtype=np.float64) - (columns - 1) / 2)[None, :],
        ((rows - 1) / 2 - np.arange(rows, dtype=np.float64))[:, None],
    )


def covered(depth: Plane) -> Plane:
    """How much of each pixel a shape covers, from how deep inside it the pixel's middle lies."""
    return np.clip(depth + 0.5, 0, 1)


def painted(cover: Plane, colour: Sequence[float], ground: float = GREY) -> Image:
    """A colour over a ground of grey where it covers, `(3, row, column)`."""
    away = np.asarray(colour, dtype=np.float64)[:, None, None] - ground
    return (ground + away * cover).astype(np.float32)


def plain(value: float, size: Size) -> Image:
    """Grey everywhere."""
    return np.full((3, *size), value, dtype=np.float32)
