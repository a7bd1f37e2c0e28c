"""What the pages say of the families of stimuli.

Flow: family -> **text** -> stimuli_page, unit, overview.
"""

from lamella.analyses.tuning_curves.family import Family

FAMILIES = {
    "gratings": (
        "Gratings",
        "Stripes from black to white over the whole image; their brightness is a sinusoid in the "
        "image's own sRGB numbers. Every period is shown in every orientation, each in four "
        "phases a quarter of a period apart; a unit's response is the largest of the four. "
        "Orientation is that of the stripes, counterclockwise from level.",
    ),
    "curves": (
        "Curves",
        "A third of a circle on mid-grey; its middle lies in the middle of the image, so that "
        "only its bend and direction change. The orientation is where it bulges: 0° to the right, "
        "90° up. The straight line at the end tells units for lines from units for curves. An "
        "edge is bright on one side and dark on the other, and fades into the ground away from "
        "it; its inside is where the circle's middle lies.",
    ),
    "hues": (
        "Hues",
        "One colour over the whole image. Red, green and blue always add up to what they are in "
        "mid-grey: a unit that only weighs brightness, the three alike, answers to all hues the "
        "same. The angle is the usual one: 0° red, 120° green, 240° blue.",
    ),
    "greys": (
        "Greys",
        "Black, white and three greys over the whole image. Mid-grey is the ground "
        "of all other stimuli, and what they are compared with.",
    ),
    "discs": (
        "Discs",
        "A disc in the middle of the image, on mid-grey: white, black, or one of six hues. Where "
        "a larger disc excites a unit less than a smaller one, a surround holds the unit back.",
    ),
}
# How a sentence calls the families that may drive a unit.
NAMES = {"gratings": "gratings", "curves": "curves", "hues": "plain colours", "discs": "discs"}
PLURALS = {
    "period": "periods",
    "orientation": "orientations",
    "phase": "phases",
    "kind": "kinds",
    "radius": "radii",
    "colour": "colours",
}


def count(family: Family) -> str:
    """How many stimuli a family has, and why."""
    if len(family.axes) == 1:
        return f"{family.count} stimuli."
    each = " × ".join(f"{len(axis.values)} {PLURALS[axis.name]}" for axis in family.axes)
    return f"{each}: {family.count} stimuli."
