"""What all charts share: round numbers along an axis, and marks whose labels do not collide.

Flow: plot -> **axis** -> histogram, line_chart.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lamella.figures import Mark

LINE = 15  # height of a row of labels
CHARACTER = 6.4  # width of one, on average, at the chart's font size


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis, or a mark; `row` is the line that its label stands on."""

    at: float
    label: str
    anchor: str = "middle"
    row: float = 0.0


def nice_steps(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, around `about` of them."""
    rough = (high - low) / about
    if not rough > 1e-300 or not math.isfinite(rough):
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    # From whole multiples, so that 0.30000000000000004 does not come up.
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def placed_marks(
    marks: Sequence[Mark], low: float, high: float, scale: float, left: float, width: float
) -> tuple[Tick, ...]:
    """Marks from left to right; a label that would hit another moves one line down.

    Args:
        low, high: ends of the axis; a mark beyond them is left out.
        scale: of the axis, in the chart's units.
        left, width: where the axis begins, and the width of the whole chart.
    """
    ends: list[float] = []
    found = []
    for mark in sorted(marks, key=lambda mark: mark.value):
        if not low <= mark.value <= high:
            continue
        at = left + (mark.value - low) * scale
        anchor = "end" if at > width * 0.7 else "start"
        wide = len(mark.label) * CHARACTER + 8
        start, stop = (at - wide, at) if anchor == "end" else (at, at + wide)
        # A mark's line goes down from its label: it must not cross those below that end later.
        row = next((i for i in range(len(ends)) if start >= ends[i] and at >= max(ends[i:])), None)
        row = len(ends) if row is None else row
        ends[row:] = [stop, *ends[row + 1 :]]
        found.append(Tick(round(at, 1), mark.label, anchor, row))
    return tuple(found)
