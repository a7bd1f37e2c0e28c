"""A histogram to the coordinates of its drawing, without a word of SVG.

Flow: plot, axis -> **histogram** -> `templates/figures/histogram.html.j2`, which draws it in
`currentColor`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lamella.figures import Histogram
from lamella.figures.axis import LINE, Tick, nice_steps, placed_marks
from lamella.figures.format import compact

WIDTH, HEIGHT = 480, 208
LEFT, RIGHT, BOTTOM = 40, 10, 40
GAP = 0.6  # between bars


@dataclass(frozen=True, slots=True)
class HistogramCoordinates:
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


def histogram_coordinates(figure: Histogram) -> HistogramCoordinates:
    """Where the bars, ticks and marks of a histogram lie."""
    edges, counts = figure.edges, figure.counts
    low, high = edges[0], edges[-1]
    width = (WIDTH - LEFT - RIGHT) / ((high - low) or 1.0)
    marks = placed_marks(figure.marks, low, high, width, LEFT, WIDTH)
    rows = 1 + max((int(mark.row) for mark in marks), default=-1)
    top, base = 8.0 + LINE * rows, float(HEIGHT - BOTTOM)
    most = max(counts, default=0) or 1
    scale = (base - top) / (math.log1p(most) if figure.log else float(most))
    tall = [
        max(1, round(scale * (math.log1p(count) if figure.log else count))) if count > 0 else 0
        for count in counts
    ]
    return HistogramCoordinates(
        bars=_bars(figure, tall, width, base),
        top=top,
        base=base,
        x=tuple(
            Tick(round(LEFT + (v - low) * width, 1), compact(v)) for v in nice_steps(low, high)
        ),
        y=tuple(
            Tick(round(base - scale * (math.log1p(c) if figure.log else c), 1), compact(c))
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
