"""What the numbers say of each method, in words that are read off them.

Flow: report -> **verdicts** -> page. The thresholds are conventions, and the page names them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lamella.figures import Table
from lamella.trusting.report import Report, Share

LITTLE, MUCH = 0.25, 0.5  # of a map's order: a rank correlation
SAME = 0.8  # maps of two classes whose orders correlate so are hardly two maps
SURELY = 2.0  # standard errors
NOTE = (
    "“Depends on what was learned”: yes where a map keeps less than "
    f"{LITTLE:g} of its order when all weights are random (rank correlation of absolute values), "
    f"no from {MUCH:g} on. “Depends on the class”: yes where the maps of the network's first and "
    f"second answer share less than {MUCH:g} of their order, no from {SAME:g} on. “Marks what "
    "counts”: the area of insertion less that of deletion, and in brackets the best order that "
    f"knows nothing; yes or no where they differ by more than {SURELY:g} standard errors. “Points "
    "at the thing”: yes where the 95 % interval of its hits lies above what the image's centre "
    "hits, no where it lies below."
)


def glance(report: Report) -> Table:
    """A row for each method, a column for each question."""
    asked: list[tuple[str, Sequence[str]]] = []
    names = range(len(report.methods))
    if report.whole:
        kept = report.kept()[-1]
        asked.append(("Depends on what was learned?", [_learned(float(kept[at])) for at in names]))
    if report.numbers.present[0]:
        shared = report.control("other_class")
        asked.append(("Depends on the class?", [_class(float(shared[at])) for at in names]))
    if report.areas is not None:
        asked.append(("Marks what counts?", [_counts(report, at) for at in names]))
    if report.pointed:
        centre = report.floor("centre")
        asked.append(("Points at the thing?", [_points(report.hits(at), centre) for at in names]))
    rows = [
        (method.title, *(answers[at] for _, answers in asked))
        for at, method in enumerate(report.methods)
    ]
    return Table("", tuple(rows), ("Map", *(question for question, _ in asked)), NOTE)


def _learned(kept: float) -> str:
    if not math.isfinite(kept):
        return "no map"
    word = "yes" if abs(kept) < LITTLE else "in part" if abs(kept) < MUCH else "no"
    return f"{word}: keeps {number(kept)}"


def _class(shared: float) -> str:
    if not math.isfinite(shared):
        return "no map"
    word = "yes" if abs(shared) < MUCH else "in part" if abs(shared) < SAME else "no"
    return f"{word}: shares {number(shared)}"


def _counts(report: Report, method: int) -> str:
    found = report.gain(method)
    if found is None:
        return "-"
    own, floor, away = found
    word = "yes" if away > SURELY else "no" if away < -SURELY else "unclear"
    return f"{word}: {number(own)} ({number(floor)})"


def _points(hits: Share, centre: float) -> str:
    low, high = hits.interval
    word = "yes" if low > centre else "no" if high < centre else "unclear"
    return f"{word}: {counted(hits)}"


def sentences(report: Report) -> tuple[str, ...]:
    """For each method what the sanity check says of it."""
    if not report.whole:
        return ()
    kept, flat = report.kept(), report.flat()
    shared, images = report.control("other_class"), len(report.plan.images)
    top = report.stages[0][0]
    found = []
    for at, method in enumerate(report.methods):
        last, first = float(kept[-1, at]), float(kept[0, at])
        if not math.isfinite(last):
            found.append(f"{method.title}: its maps are empty, so there is no order to keep.")
            continue
        told = [
            f"{method.title} keeps {number(last)} of its order when everything is random: "
            f"{_reading(last)}."
        ]
        if flat[-1, at]:
            told.append(f"In {flat[-1, at]} of {images} images its map is then empty.")
        if len(kept) > 1 and first > SAME:
            told.append(f"That {top} alone is random it hardly notices ({number(first)}).")
        if not method.of_class:
            told.append("It does not ask about a class.")
        elif float(shared[at]) > SAME:
            told.append(
                f"For the network's second answer it draws nearly the same ({number(shared[at])})."
            )
        found.append(" ".join(told))
    return tuple(found)


def _reading(kept: float) -> str:
    if abs(kept) >= MUCH:
        return "it shows the image more than what the network learned"
    if abs(kept) >= LITTLE:
        return "a part of what it shows is the image, whatever the network learned"
    return "what it shows depends on what the network learned"


def number(value: float) -> str:
    """Two decimals; a dash for what is not known."""
    return f"{value:.2f}".replace("-", "−") if math.isfinite(value) else "–"


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
        return "< 1 %"
    return "> 99 %" if 0.99 < share < 1 else f"{round(100 * share)} %"
