"""The colour of each pixel, in words: the concepts that need no masks.

Flow: images -> **colours** -> labels. The words are the eleven basic colour terms of English
(Berlin and Kay 1969, "Basic Color Terms"), which Network Dissection uses too; there they come from
a table learned on photographs (van de Weijer et al. 2009). Here they are ranges of lightness,
chroma and hue in OKLCH (Ottosson 2020, "A perceptual color space for image processing"), whose
borders are drawn by hand, so that anybody can read where one word ends and the next begins.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

COLOURS = (
    "black",
    "grey",
    "white",
    "red",
    "orange",
    "brown",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
)
STEPS = 32  # per channel: a pixel takes the word of the middle of its cell of the RGB cube


def oklch(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lightness 0 to 1, chroma, and hue in degrees, `(..., 3)`, of sRGB in [0, 1]."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    cones = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    light, a, b = np.moveaxis(
        np.cbrt(cones)
        @ np.array(
            [
                [0.2104542553, 1.9779984951, 0.0259040371],
                [0.7936177850, -2.4285922050, 0.7827717662],
                [-0.0040720468, 0.4505937099, -0.8086757660],
            ]
        ),
        -1,
        0,
    )
    return np.stack([light, np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360], axis=-1)


def _words(srgb: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The number of the colour term of each colour; of the rules that fit, the first counts."""
    light, chroma, hue = np.moveaxis(oklch(srgb), -1, 0)
    plain = chroma < 0.035
    rosy = (hue >= 337) | (hue < 25)
    rules = (
        ("black", (light < 0.2) | (plain & (light < 0.3))),
        ("white", plain & (light > 0.92)),
        ("grey", plain),
        ("pink", rosy & (light >= 0.64)),
        ("purple", (hue >= 337) & (light < 0.64) & (hue < 352)),
        ("brown", (hue >= 20) & (hue < 42) & (chroma < 0.1) & (light < 0.7)),
        ("pink", (hue < 42) & (light >= 0.72)),
        ("red", rosy | (hue < 42)),
        ("orange", (hue < 80) & (light >= 0.66) & (chroma >= 0.1)),
        ("brown", (hue < 80) | ((hue < 95) & (light < 0.72))),
        ("yellow", (hue < 115) & (light >= 0.72)),
        ("green", hue < 185),
        ("blue", hue < 288),
    )
    conditions = [fits for _, fits in rules]
    choices = [COLOURS.index(word) for word, _ in rules]
    found: NDArray[np.uint8] = np.select(conditions, choices, COLOURS.index("purple")).astype(
        np.uint8
    )
    return found


@cache
def _cube() -> NDArray[np.uint8]:
    """The word of each cell of the RGB cube."""
    middle = (np.arange(STEPS) + 0.5) / STEPS
    return _words(np.stack(np.meshgrid(middle, middle, middle, indexing="ij"), axis=-1))


def colours_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The place in COLOURS of each pixel, `(...)`, of sRGB bytes `(..., 3)`."""
    red, green, blue = np.moveaxis(pixels // (256 // STEPS), -1, 0)
    found: NDArray[np.uint8] = _cube()[red, green, blue]
    return found
