"""Plain colours over the whole image: a circle of hues, and greys from black to white.

Flow: canvas -> **colours** -> families, discs. The hues lie on the circle around mid-grey on which
red, green and blue keep their sum, so what weighs the three alike cannot tell them apart, and what
opposes them answers with a cosine. The angles are those of the usual hue: 0 red, 120 green, 240
blue.
"""

import numpy as np

from lamella.analyses.tuning_curves.canvas import GREY, plain
from lamella.analyses.tuning_curves.family import Axis, Family, Image, Size

HUES = tuple(30.0 * step for step in range(12))
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
NAMED = {0: "red", 60: "yellow", 120: "green", 180: "cyan", 240: "blue", 300: "magenta"}


def colour(hue: float) -> tuple[float, float, float]:
    """sRGB of a hue in degrees; the sum is always that of mid-grey.

    >>> [round(value, 2) for value in colour(0)]
    [1.0, 0.25, 0.25]
    """
    red, green, blue = (GREY + GREY * np.cos(np.deg2rad(hue - at)) for at in (0, 120, 240))
    return float(red), float(green), float(blue)


def field(hue: float, size: Size) -> Image:
    """One hue over the whole image."""
    whole = np.empty((3, *size), dtype=np.float32)
    whole[:] = np.asarray(colour(hue), dtype=np.float32)[:, None, None]
    return whole


def hues(size: Size) -> Family:
    """Twelve hues."""
    return Family("hues", (Axis("hue", HUES, "°"),), lambda hue: field(hue, size))


def greys(size: Size) -> Family:
    """Black, three greys, white; the middle one is the ground of all other stimuli."""
    names = ("black", "dark grey", "mid-grey", "light grey", "white")
    return Family("greys", (Axis("grey", LEVELS, names=names),), lambda level: plain(level, size))
