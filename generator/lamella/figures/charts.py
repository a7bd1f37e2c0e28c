"""Numbers to the coordinates of a chart, without a word of SVG; here bars, in curves.py lines.

Flow: figures -> **charts** -> `templates/figures.html.j2`, which draws them in `currentColor`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lamella.figures import Histogram, Mark

WIDTH, HEIGHT = 480, 208
LEFT, RIGHT, BOTTOM = 40, 10, 40
GAP = 0.6  # between bars
LINE = 15  # height of a row of labels
CHARACTER = 6.4  # width of one, on average, at the chart's font size


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis, or a mark; `row` is the line that its label stands on."""

    at: float
    label: str
    anchor: str = "middle"
    row: float = 0.0


@dataclass(frozen=True, slots=True)
class Chart:
    """A histogram, ready to draw; `beyond` is where the tinted ground begins, if there is one."""

    bars: str
    top: float
    base: float
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    marks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    beyond: float | None = None


def short(value: float) -> str:
    """A number in as few characters as say it: 0.0031, 12, 1.2k, 3M.

    >>> [short(value) for value in (0, 0.25, 12, 1200, 3e6, 4.2e-7)]
    ['0', '0.25', '12', '1.2k', '3M', '4.2e-07']
    """
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


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


def chart(figure: Histogram) -> Chart:
    """Where the bars, ticks and marks of a histogram lie."""
    edges, counts = figure.edges, figure.counts
    low, high = edges[0], edges[-1]
    width = (WIDTH - LEFT - RIGHT) / ((high - low) or 1.0)
    marks = placed(figure.marks, low, high, width, LEFT, WIDTH)
    rows = 1 + max((int(mark.row) for mark in marks), default=-1)
    top, base = 8.0 + LINE * rows, float(HEIGHT - BOTTOM)
    most = max(counts, default=0) or 1
    scale = (base - top) / (math.log1p(most) if figure.log else float(most))
    tall = [
        max(1, round(scale * (math.log1p(count) if figure.log else count))) if count > 0 else 0
        for count in counts
    ]
    return Chart(
        bars=_bars(figure, tall, width, base),
        top=top,
        base=base,
        x=tuple(Tick(round(LEFT + (v - low) * width, 1), short(v)) for v in nice_steps(low, high)),
        y=tuple(
            Tick(round(base - scale * (math.log1p(c) if figure.log else c), 1), short(c))
            for c in _counts(most, figure.log)
        ),
        marks=marks,
        beyond=_beyond(figure, low, high, width),
    )


def _beyond(figure: Histogram, low: float, high: float, width: float) -> float | None:
    if figure.beyond is None or not low <= figure.beyond < high:
        return None
    return round(LEFT + (figure.beyond - low) * width, 1)


def _bars(figure: Histogram, tall: Sequence[int], width: float, base: float) -> str:
    """One path along the axis: up, across, down, and a hair's breadth to the next bar."""
    edges = figure.edges
    wide = [(right - left) * width for left, right in pairwise(edges)]
    if wide and max(wide) - min(wide) < 1e-3:  # even bars, as most are, share their text
        step, across = f"h{wide[0]:.3f}", f"h{max(0.4, wide[0] - GAP):.3f}v"
        drawn = [f"v-{high}{across}{high}h{GAP}" if high else step for high in tall]
    else:
        drawn = [
            f"v-{high}h{max(0.4, w - GAP):.3f}v{high}h{GAP}" if high else f"h{w:.3f}"
            for high, w in zip(tall, wide, strict=True)
        ]
    return f"M{LEFT} {base:g}" + "".join(drawn)


def _counts(most: int, log: bool) -> Sequence[int]:
    """The counts that the vertical axis names."""
    if not log:
        return [int(step) for step in nice_steps(0, most, 3) if step == int(step)]
    decades = [10**power for power in range(len(str(most)))]
    return decades[:: max(1, -(-len(decades) // 4))]


def placed(
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
        ends[row:] = [*([stop]), *ends[row + 1 :]]
        found.append(Tick(round(at, 1), mark.label, anchor, row))
    return tuple(found)
