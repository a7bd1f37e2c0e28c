"""The maps of one image as pictures: its two sheets.

Flow: attributions -> **drawing** -> store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.attribution_maps.stored import CONTOUR, CONTOUR_OF, FINE, SIDE, columns
from lamella.attribution.methods import BY_NAME, Method
from lamella.figures import heat
from lamella.figures.heat import full_colour

SHARES = {"gradcam", "gradcam_inside"}  # maps that are divided by their maximum

Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scaled:
    """A map as it is drawn.

    Attributes:
        values: `(row, column)`; a share of the maximum where the method says so.
        full: the value of the full colour; 0 where the map is zero everywhere.
        largest, lowest: of all values that the method gave, before anything else.
    """

    values: Maps
    full: float
    largest: float
    lowest: float


def scaled(method: Method, values: Maps) -> Scaled:
    """A map with its full colour; divided by its maximum where that is how it is shown."""
    finite = np.nan_to_num(values)
    largest, lowest = float(finite.max()), float(finite.min())
    if method.name in SHARES:
        return Scaled(
            values / largest if largest > 0 else 0 * values, 1.0 * (largest > 0), largest, lowest
        )
    return Scaled(
        values,
        full_colour(finite, SIDE[FINE], fine=method.fine, signed=method.signed),
        largest,
        lowest,
    )


def sheets(maps: Mapping[str, Sequence[Scaled]], classes: int) -> dict[str, Image.Image]:
    """The two sheets of an image.

    Args:
        maps: of each method, a map for each class; one for all where it asks about none.
    """
    found = {}
    for name, held in columns(list(maps)).items():
        side = SIDE[name]
        sheet = Image.new("RGBA" if CONTOUR in held else "RGB", (len(held) * side, classes * side))
        for column, method in enumerate(held):
            for row, one in enumerate(maps[CONTOUR_OF if method == CONTOUR else method]):
                drawn = (
                    heat.contour(one.values, one.full, side)
                    if method == CONTOUR
                    else heat.picture(one.values, one.full, BY_NAME[method].signed, side)
                )
                sheet.paste(drawn, (column * side, row * side))
        found[name] = sheet
    return found
