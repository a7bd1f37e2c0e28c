"""Oriented gratings: stripes of every angle and width, the physiologist's first stimulus.

Flow: canvas -> **gratings** -> families. Sinusoids need no antialiasing: the finest period is three
pixels, above the two that a grid can carry.
"""

import numpy as np

from lamella.analyses.tuning_curves.canvas import GREY, plane
from lamella.analyses.tuning_curves.family import Axis, Family, Image, Size, spaced

ORIENTATIONS = tuple(15.0 * step for step in range(12))
PHASES = (0.0, 90.0, 180.0, 270.0)
FINEST = 3.0  # pixels
RATIO = 1.715  # of neighbouring periods: nine of them at 224 pixels


def grating(period: float, orientation: float, phase: float, size: Size) -> Image:
    """Stripes from black to white over the whole image, `(3, row, column)`.

    Args:
        period: of the sinusoid, in pixels.
        orientation: of the stripes, in degrees counterclockwise: 0 level, 90 upright.
        phase: in degrees; 0 rises through grey in the middle of the image.
    """
    right, up = plane(size)
    turned = np.deg2rad(orientation)
    across = up * np.cos(turned) - right * np.sin(turned)
    wave = np.sin(2 * np.pi * across / period + np.deg2rad(phase))
    return np.repeat((GREY + GREY * wave)[None], 3, axis=0).astype(np.float32)


def gratings(size: Size) -> Family:
    """Periods from three pixels to the shorter side, twelve orientations, four phases."""
    return Family(
        "gratings",
        (
            Axis("period", spaced(FINEST, float(min(size)), RATIO), "px"),
            Axis("orientation", ORIENTATIONS, "°"),
            Axis("phase", PHASES, "°", pooled=True),
        ),
        lambda period, orientation, phase: grating(period, orientation, phase, size),
    )
