"""The sentences of the pages of attribution maps.

Flow: **text** -> image_page, view.
"""

import math

import numpy as np
from numpy.typing import NDArray

from lamella.attribution.methods import Method
from lamella.figures import short
from lamella.figures.heat import STEPS

TITLE = "Attribution maps"
LEAD = (
    "For each photograph the network's first answers, and what they rest on: gradients, occlusion "
    "and class activation maps side by side, with the number behind each place."
)
HOW = (
    "Each row asks about one answer. All maps of a row have the same scale in space; the colours "
    "of each go up to a value of its own, which stands below it. Maps of different methods have "
    "different units, so it is their shapes that can be compared. Where they disagree, none of "
    "them is the truth: each answers a question of its own, and which stands at the end of the "
    "page."
)
UNLIKELY = (
    "The network all but rules this out. The maps show what speaks for it most, not that it was "
    "seen."
)
LEGEND = (
    "Coarse maps lie over the photograph in grey; the switch shows them alone, in the colours of "
    "the scale. Maps with a number per pixel stand alone. Of those, full colour is what one in 200 "
    "of the pixels exceeds: a few outshine all others, and the largest value stands below the map."
)
OF_ALL = (
    "This map asks about no class: it says from where in the image the network has its "
    "information, whatever the answer."
)
_THIRDS = (("upper left", "top", "upper right"), ("left", "middle", "right"),
           ("lower left", "bottom", "lower right"))  # fmt: skip


def unmoved(largest: float) -> str:
    """Of an answer that no mask changes much."""
    return (
        f"Covering one place takes at most {percent(largest)} of the probability away: the answer "
        "rests on more than one place, and the occlusion map shows next to nothing."
    )


def percent(share: float) -> str:
    """A probability; small ones with two digits, since these set answers apart."""
    if share > 0.9995:
        return "> 99.9 %"
    if share >= 0.0005:
        return f"{100 * share:.1f} %"
    places = 1 - math.floor(math.log10(max(share, 1e-9))) - 2
    return f"{100 * share:.{places}f} %" if share >= 1e-7 else "< 0.00001 %"


def number(value: float) -> str:
    """A number of any size, with three digits."""
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return short(value)
    power = math.floor(math.log10(abs(value)))
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{value / 10**power:.3g} × 10{raised}"


def scale_of(method: Method, full: float, largest: float, lowest: float) -> str:
    """What full colour stands for, below a map."""
    if full <= 0:
        return "zero everywhere"
    if method.value.endswith("maximum"):
        return f"full colour: {method.value.removeprefix('of ')}, {number(largest)}"
    extreme = max(largest, -lowest) if method.signed else largest
    beyond = f"; largest {number(extreme)}" if extreme > 1.01 * full else ""
    return f"full colour: {number(full)} {method.value}{beyond}"


def under_mask(before: float, low: float, high: float) -> str:
    """What a number of the occlusion map is: the probability under a mask, in percent.

    Args:
        before: the probability without one.
        low, high: of the map; as many digits are given as they leave to be read.
    """
    step = 100 * (high - low) / STEPS
    digits = min(6, max(0, math.floor(-math.log10(step)))) if step > 0 else 3
    return f"{{}} % with this patch covered, {100 * before:.{digits}f} % without"


def described(method: Method, name: str, levels: NDArray[np.uint8], full: float) -> str:
    """A map for those who cannot see it: of what it is, and where it is strongest.

    Args:
        levels: its numbers as bytes, (row, column); of the occlusion map, probabilities that are
            lowest where it is strongest.
    """
    of = f"{method.title} for {name}" if method.of_class else method.title
    if full <= 0:
        return f"{of}: zero everywhere."
    at = levels.argmin() if method.name == "occlusion" else levels.argmax()
    row, column = divmod(int(at), levels.shape[1])
    place = _THIRDS[3 * row // levels.shape[0]][3 * column // levels.shape[1]]
    return f"{of}: strongest at the {place}."


def gap(total: float, difference: float) -> str:
    """How well integrated gradients add up."""
    off = abs(total - difference)
    share = f", {100 * off / abs(difference):.1f} % off" if abs(difference) > 1e-6 else ""
    return (
        f"The integrated gradients add up to {number(total)}; the score of the image less that of "
        f"a plain one is {number(difference)}{share}."
    )


def about(method: Method) -> str:
    """How a method works."""
    return f"{method.title}. {method.about}"


def over(title: str) -> tuple[str, ...]:
    """What lies over the photographs of the index; nothing where there is no such map."""
    if not title:
        return ()
    return (
        f"Over each photograph lies the map of {title} for the network's first answer, with a line "
        "where it reaches half of its full colour, which stands for the map's own largest value. "
        "It says where what spoke for the answer was, not what that was. On the page of each "
        "photograph several methods stand side by side, for the answers that come next too.",
    )
