"""Values along an axis to the coordinates of a line chart, without a word of SVG.

Flow: plot, axis -> **line_chart** -> `templates/figures/lines.html.j2`. The drawing is small, so
that its text can still be read where it is 290 pixels wide. A page of every unit may carry one:
what the charts of a layer have in common, the x axis, is worked out once.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lamella.figures import Lines, Mark, Series
from lamella.figures.axis import LINE, Tick, nice_steps, placed_marks
from lamella.figures.format import compact

WIDTH, TALL = 360, 140  # of the drawing, and of the plot itself
RIGHT = 14
CHARACTER = 7.2  # width of one, on average, at the largest font size that the style sheet takes
LONGEST = 17  # characters of a name below the axis
SLANT = math.sqrt(0.5)  # names that have no room lean back by 45 degrees
DASHES = 8  # patterns of the style sheet; after these, the lines are thicker
FEW = 16  # values that each get a dot
HUGE = 1e300  # beyond this, sums overflow


@dataclass(frozen=True, slots=True)
class Line:
    """A series, ready to draw: its line, its dots, and the classes of the style sheet for both."""

    name: str
    path: str
    dots: str
    style: str


@dataclass(frozen=True, slots=True)
class LineChartCoordinates:
    """A line chart, ready to draw.

    Attributes:
        grid: one path with a line for each tick of the y axis.
        pegs: one path with the ticks of the x axis.
        x: labels below the axis, all of them slanted or none.
        full: the whole name of each label that had to be shortened, else "".
    """

    lines: tuple[Line, ...]
    grid: str
    pegs: str
    x: tuple[Tick, ...]
    full: tuple[str, ...]
    y: tuple[Tick, ...]
    marks: tuple[Tick, ...]
    slanted: bool
    left: int
    top: float
    base: float
    height: int
    width: int = WIDTH
    right: int = WIDTH - RIGHT


@dataclass(frozen=True, slots=True)
class _Axis:
    """The x axis: what all charts of one shape share."""

    low: float
    high: float
    scale: float
    labels: tuple[tuple[float, str, str, str], ...]  # place, label, anchor, whole name
    slanted: bool
    depth: float  # what its labels take below the plot


def line_chart_coordinates(figure: Lines) -> LineChartCoordinates:
    """Where the lines, ticks and marks of a line chart lie."""
    drawn = [_logs(one.values) if figure.log_y else one.values for one in figure.series]
    low, high = _range(drawn, figure.log_y)
    steps = _steps(low, high, figure.log_y)
    said = [compact(10**step) for step in steps] if figure.log_y else _labels(steps)
    left = max(24, math.ceil(max(map(len, said), default=0) * CHARACTER) + 12)
    x = figure.x or tuple(range(len(figure.names)))
    own = tuple(one.x for one in figure.series if one.x)
    axis, left = _axis(x, own, figure.names, left, figure.ticks)
    marks = placed_marks(figure.marks, axis.low, axis.high, axis.scale, left, WIDTH)
    rows = 1 + max((int(mark.row) for mark in marks), default=-1)
    top = 8.0 + LINE * (rows + bool(figure.y_label))
    base = top + TALL
    scale = TALL / (high - low)
    heights = [round(base - (step - low) * scale, 1) for step in steps]
    return LineChartCoordinates(
        lines=tuple(
            _line(
                one, at, _columns(one.x or x, axis.low, axis.scale, left), values, low, scale, base
            )
            for at, (one, values) in enumerate(zip(figure.series, drawn, strict=True))
        ),
        grid="".join(f"M{left} {height}H{WIDTH - RIGHT}" for height in heights),
        pegs="".join(f"M{at} {base}v4" for at, *_ in axis.labels),
        x=tuple(Tick(at, label, anchor) for at, label, anchor, _ in axis.labels),
        full=tuple(whole for *_, whole in axis.labels),
        y=tuple(Tick(at, label) for at, label in zip(heights, said, strict=True)),
        marks=marks,
        slanted=axis.slanted,
        left=left,
        top=top,
        base=base,
        height=math.ceil(base + axis.depth + (LINE if figure.x_label else 2)),
    )


def _logs(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(math.log10(value) if 0 < value < math.inf else math.nan for value in values)


def _range(drawn: Sequence[Sequence[float]], log: bool) -> tuple[float, float]:
    """The ends of the y axis: a little beyond the values, and zero where that is near."""
    known = [value for values in drawn for value in values if abs(value) < HUGE]
    if not known:
        return (0.0, 1.0)
    low, high = min(known), max(known)
    if log:
        return math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    if high - low <= 1e-9 * max(abs(low), abs(high)) or high - low < 1e-290:
        room = abs(high) / 2 if abs(high) > 1e-290 else 1.0
        return low - room, high + room
    if 0 <= low <= 0.3 * high:
        low = 0.0
    if 0.3 * low <= high <= 0:
        high = 0.0
    room = 0.04 * (high - low)
    return low - room * (low != 0), high + room * (high != 0)


def _steps(low: float, high: float, log: bool) -> list[float]:
    """The heights that the y axis names."""
    if not log:
        return nice_steps(low, high)
    decades = [float(power) for power in range(int(low), int(high) + 1)]
    return decades[:: -(-len(decades) // 5)]


def _labels(steps: Sequence[float]) -> list[str]:
    """Short numbers, with as many digits as it takes to tell them apart."""
    found = [compact(step) for step in steps]
    for digits in range(4, 12):
        if len(set(found)) == len(found):
            break
        found = [f"{step:.{digits}g}" for step in steps]
    return found


@lru_cache(maxsize=64)
def _axis(
    x: tuple[float, ...],
    own: tuple[tuple[float, ...], ...],
    names: tuple[str, ...],
    left: int,
    ticks: tuple[Mark, ...] = (),
) -> tuple[_Axis, int]:
    """The x axis, and where it begins: slanted names may want more room at the left."""
    known = [value for values in (x, *own) for value in values if abs(value) < HUGE]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if names:
        return _named(names, low, high, left)
    scale = (WIDTH - RIGHT - left) / ((high - low) or 1.0)
    steps = nice_steps(low, high)
    named = [(tick.value, tick.label) for tick in ticks]
    labels = []
    for step, label in named or zip(steps, _labels(steps), strict=True):
        at = round(left + (step - low) * scale, 1)
        outside = at + len(label) * CHARACTER / 2 > WIDTH
        labels.append((at, label, "end" if outside else "middle", ""))
    return _Axis(low, high, scale, tuple(labels), False, 5 + LINE), left


def _named(names: tuple[str, ...], low: float, high: float, left: int) -> tuple[_Axis, int]:
    """An axis of names: side by side if they have room, else slanted, and some of them left out."""
    shown = [name if len(name) <= LONGEST else _shortened(name) for name in names]
    longest = max(map(len, shown)) * CHARACTER
    room = (WIDTH - RIGHT - left) / len(names)
    slanted = longest + 6 > room
    # Half a place of air at both ends, so that the outer names have room too.
    air = 0.0 if slanted else 0.5
    low, high = min(low, 0) - air, max(high, len(names) - 1) + air
    if slanted:
        step = room * len(names) / ((high - low) or 1.0)
        reach = (len(name) * CHARACTER * SLANT - at * step for at, name in enumerate(shown))
        left = max(left, math.ceil(max(reach)))
    scale = (WIDTH - RIGHT - left) / ((high - low) or 1.0)
    every = max(1, math.ceil(LINE / SLANT / scale)) if slanted else 1
    labels = tuple(
        (
            round(left + (at - low) * scale, 1),
            shown[at],
            "end" if slanted else "middle",
            names[at] if shown[at] != names[at] else "",
        )
        for at in range(0, len(names), every)
    )
    return _Axis(
        low, high, scale, labels, slanted, longest * SLANT + 18 if slanted else 5 + LINE
    ), left


def _shortened(name: str) -> str:
    """The end of a long name, from a dot on if there is one: it tells layers apart."""
    end = name[1 - LONGEST :]
    _, dot, rest = end.partition(".")
    return f"…{rest if dot and len(rest) >= LONGEST // 2 else end}"


@lru_cache(maxsize=64)
def _columns(x: tuple[float, ...], low: float, scale: float, left: int) -> tuple[str, ...]:
    """Where values lie from left to right, as text; "" for nowhere."""
    return tuple(f"{left + (value - low) * scale:.1f}" if abs(value) < HUGE else "" for value in x)


def _line(
    series: Series,
    at: int,
    columns: Sequence[str],
    values: Sequence[float],
    low: float,
    scale: float,
    base: float,
) -> Line:
    """One series. Runs of values become lines; a value that stands alone becomes a dot."""
    bottom = base + low * scale
    runs: list[list[str]] = [[]]
    for column, value in zip(columns, values, strict=True):
        if column and abs(value) < HUGE:  # false for NaN
            runs[-1].append(f"{column} {bottom - value * scale:.1f}")
        elif runs[-1]:
            runs.append([])
    dotted = sum(map(len, runs)) <= FEW
    return Line(
        name=series.name,
        path="".join("M" + " ".join(run) for run in runs if len(run) > 1),
        dots="".join(f"M{point}h0" for run in runs if dotted or len(run) == 1 for point in run),
        style=f"s{at % DASHES}" + (" thick" if at >= DASHES else ""),
    )
