"""Numbers as captions, sentences and axes say them.

Flow: **format** -> analyses' `view`, histogram, line_chart, templates.
"""

import math
from collections.abc import Mapping
from typing import Any

from lamella.network.units import Layer


def short(value: float) -> str:
    """A number as captions say it: three digits, thousands in full, no powers of ten below a
    million."""
    return f"{value:,.0f}" if 999.5 <= abs(value) < 1e6 else f"{value:.3g}"


def compact(value: float) -> str:
    """A number on an axis, in as few characters as say it: 0.0031, 12, 1.2k, 3M.

    >>> [compact(value) for value in (0, 0.25, 12, 1200, 3e6, 4.2e-7)]
    ['0', '0.25', '12', '1.2k', '3M', '4.2e-07']
    """
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def times(ratio: float) -> str:
    """A ratio to two digits, never in powers of ten.

    >>> [times(ratio) for ratio in (0.031, 1.0, 1.26, 14.2, 1234567.0)]
    ['0.031 times', '1.0 times', '1.3 times', '14 times', '1,234,567 times']
    """
    size = abs(ratio)
    return f"{ratio:{',.0f' if size >= 9.95 else '.1f' if size >= 0.995 else '.2g'}} times"


def probability(share: float) -> str:
    """In percent; never rounded to nothing or to all."""
    if share < 0.0005:
        return "< 0.1 %"
    return "> 99.9 %" if share > 0.9995 else f"{100 * share:.1f} %"


def share_of(part: int, whole: int) -> str:
    """A part of something that was counted, in whole percent; never rounded to none or all."""
    share = part / max(1, whole)
    if 0 < share < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < share < 1 else f"{round(100 * share)} %"


def number(value: float) -> str:
    """Three digits; whole numbers from a thousand on; "-" for what is not known."""
    if not math.isfinite(value):
        return "-"
    return f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"


def stated(preprocessing: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is set of a preprocessing, by name, in words; without what has no value."""
    found = []
    for name, value in preprocessing.items():
        if name == "measured" or value is None or value == "":
            continue
        words = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        if isinstance(value, bool):
            words = "yes" if value else "no"
        found.append((name.capitalize(), words))
    return found


def positions(layer: Layer) -> str:
    """At how many places a layer has a value of each unit."""
    number = layer.height * layer.width
    if number == 1:
        return "one value for each image"
    if not layer.placed:
        return f"{number:,} positions of no known place on the image"
    apart = {0: "", 1: ", and a token of no patch"}
    tokens = apart.get(layer.apart, f", and {layer.apart} tokens of no patch")
    return f"{layer.height} × {layer.width} positions{tokens}"


def sees(layer: Layer, extent: int = 0) -> str:
    """How much of an image a position sees.

    Args:
        extent: of the image, in pixels; 0 to leave it out.
    """
    if layer.field is None:
        return "sees the whole image"
    of = f" of {extent}" if extent else ""
    gate = ", and through a gate or a normalization the whole image" if layer.gated else ""
    return f"sees {layer.field.size} px{of}{gate}"
