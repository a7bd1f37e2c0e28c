"""The sentences of the page, and its numbers as it says them.

Flow: report -> **text** -> verdicts, charts, view.
"""

from __future__ import annotations

import math

from lamella.analyses.sanity_checks.report import Report, Share
from lamella.analyses.sanity_checks.stored import Plan

TITLE = "Sanity checks"
ABOUT = (
    "Tests of every kind of heat map in this atlas, on this network. To pass them is necessary, "
    "not enough: a map that fails says little of the network, one that passes may still mislead."
)
LEAD = (
    "A heat map that looks right need not say why the network decided so. Three tests of every "
    "method that this atlas shows, on this network: whether the map changes when the network "
    "forgets, whether the pixels that it marks are those that count, and whether it points where a "
    "person would point."
)
GLANCE = (
    "Everything here was measured on this network and these photographs; other networks may answer "
    "otherwise. To pass is necessary, not enough. A map that fails the first question draws the "
    "image, and would draw it for a network that knows nothing."
)
CURVES = (
    "Pixels are taken in the order of the map, the most positive first. In deletion they get the "
    "network's mean colour, in insertion they come back into the blurred image; the network is "
    "asked each time how probable its first answer still is (Petsiuk, Das and Saenko 2018, "
    "arXiv:1806.07421). Maps "
    "that are coarser than the image are stretched over it, bilinear; equal values come in random "
    "order.",
    "Three orders that know nothing of the network are measured beside. Compare fine maps with "
    "random pixels and coarse ones with random squares: to riddle an image with holes harms it "
    "whichever they are, and images with holes or blurs are none that the network was trained "
    "with. From the centre outwards is what a photographer's habit alone is worth.",
)


def randomization(report: Report) -> tuple[str, ...]:
    """How the randomization test was done."""
    plan = report.plan
    paragraphs: tuple[str, ...] = (
        "Block by block, from the output down, the weights are replaced by random ones, drawn as "
        "for a network that has learned nothing; normalizations lose their statistics too. Then "
        "each map is made again, for the same class: the trained network's first answer. What is "
        "left of it is the rank correlation (Spearman) with the trained network's map, on the "
        "method's own grid (Adebayo et al. 2018, arXiv:1810.03292). A good map loses its order "
        "at once.",
        f"Measured on {_images(len(plan.images))} that the network is sure of, with different "
        f"answers; {_settings(plan)}.",
    )
    if not report.whole:
        paragraphs += ("Not all stages are computed yet.",)
    return paragraphs


def looked_at(answer: str, label: str) -> tuple[str, ...]:
    """Above the rows of maps."""
    what = f"a photograph of “{label}”" if label else "a photograph"
    return (
        f"The explained class is “{answer}”, the trained network's first answer to {what}. Each "
        "map here has its own scale, since the values of random networks are of other sizes: full "
        "colour stands for the number below it, and then for the share of its order that it keeps. "
        "Where a row stays the same from left to right, the method draws the photograph.",
    )


def no_masks(plan: Plan) -> tuple[str, ...]:
    """Where nothing could be measured."""
    why = (
        "None of the masks says anything here: " + _left_out(plan)
        if plan.left_out
        else "This atlas has no masks that say where in the photographs the thing is, so it was "
        "not tested whether maps point at it: set masks under [panels.sanity_checks]."
    )
    return (why,)


def pointing(report: Report) -> tuple[str, ...]:
    """How the pointing game was played."""
    plan = report.plan
    images = len(report.pointed)
    paragraphs = [
        f"{_images(images)[0].upper()}{_images(images)[1:]} of this atlas have a mask: where the "
        "thing is that a person would point at. A map hits where its largest value lies in the "
        "mask or at most 15 of 224 parts of the image beside it (Zhang et al. 2016, "
        "arXiv:1608.00507); of several "
        "equal ones, the share that hits counts. Explained is the network's first answer, right or "
        "wrong: the masks say where the thing is, not what it is. So a miss may be the map's fault "
        "or the network's, which looked elsewhere.",
        f"The image's centre hits {percent(report.baseline('centre'))}, and a random place "
        f"{percent(report.baseline('chance'))}: things are photographed in the middle. "
        f"Here {_settings(plan)}.",
    ]
    if images < len(plan.masked):
        paragraphs.append(f"{len(plan.masked) - images} images are not computed yet.")
    if plan.left_out:
        paragraphs.append("Masks that were left out: " + _left_out(plan))
    return tuple(paragraphs)


def _left_out(plan: Plan) -> str:
    each = [f"{name} ({why})" for name, why in plan.left_out.items()]
    more = f" and {len(each) - 8} more" if len(each) > 8 else ""
    return "; ".join(each[:8]) + more + "."


def _settings(plan: Plan) -> str:
    made = plan.made
    return (
        f"occlusion moves a patch of {made['patch']} pixels by {made['stride']}, and integrated "
        f"gradients take {made['steps']} steps: coarser than on the pages of decisions, since they "
        "run often"
    )


def _images(number: int) -> str:
    return "one image" if number == 1 else f"{number} images"


def number(value: float) -> str:
    """Two decimals; a dash for what is not known."""
    return (
        f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−") if math.isfinite(value) else "–"
    )


def counted(hits: Share) -> str:
    """So many of so many; a half hit, of equal maxima, is said as such."""
    whole = round(hits.hits)
    said = f"{whole}" if abs(hits.hits - whole) < 0.05 else f"{hits.hits:.1f}"
    return f"{said} of {hits.images}"


def percent(share: float) -> str:
    """In whole percent; never rounded to none or all."""
    if not math.isfinite(share):
        return "–"
    if 0 < share < 0.01:
        return "<\u00a01\u00a0%"
    return ">\u00a099\u00a0%" if 0.99 < share < 1 else f"{round(100 * share)}\u00a0%"
