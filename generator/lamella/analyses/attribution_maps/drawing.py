"""The maps of one image as pictures and as numbers to be read.

Flow: maps -> **drawing** -> store. Two sheets, a row for each class and a column for each method:
of coarse maps, which lie over the photograph, and of fine ones, which stand alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.attribution.methods import BY_NAME, Method
from lamella.figures import heat
from lamella.figures.heat import full_colour

PHOTOGRAPH, COARSE, FINE = "photograph", "coarse", "fine"  # names of stored pictures
SIDE = {COARSE: 168, FINE: 128}  # of a cell, in pixels
LINE = "line"  # the first column of the coarse sheet: where Grad-CAM reaches half of its maximum
OF_LINE = "gradcam"
READ = {COARSE: 28, FINE: 56}  # positions along a side of the numbers that a page holds
SHARES = {"gradcam", "gradcam_inside"}  # maps that are divided by their maximum

Maps = NDArray[np.float32]


def kind(method: Method) -> str:
    """The sheet that a method's maps lie on."""
    return FINE if method.fine else COARSE


def columns(names: Sequence[str]) -> dict[str, list[str]]:
    """What the columns of each sheet hold, given the methods that a network has."""
    found: dict[str, list[str]] = {COARSE: [LINE] if OF_LINE in names else [], FINE: []}
    for name in names:
        found[kind(BY_NAME[name])].append(name)
    return {sheet: held for sheet, held in found.items() if held}


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
    known = np.nan_to_num(values)
    largest, lowest = float(known.max()), float(known.min())
    if method.name in SHARES:
        return Scaled(
            values / largest if largest > 0 else 0 * values, 1.0 * (largest > 0), largest, lowest
        )
    return Scaled(
        values,
        full_colour(known, SIDE[FINE], fine=method.fine, signed=method.signed),
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
        sheet = Image.new("RGBA" if LINE in held else "RGB", (len(held) * side, classes * side))
        for column, method in enumerate(held):
            for row, one in enumerate(maps[OF_LINE if method == LINE else method]):
                drawn = (
                    heat.contour(one.values, one.full, side)
                    if method == LINE
                    else heat.picture(one.values, one.full, BY_NAME[method].signed, side)
                )
                sheet.paste(drawn, (column * side, row * side))
        found[name] = sheet
    return found
