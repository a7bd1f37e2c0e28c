"""What the numbers say of each method, in words that are read off them.

Flow: report -> **verdicts** -> view. The thresholds are conventions, and the page names them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lamella.analyses.sanity_checks.report import Gain, Report, Share
from lamella.analyses.sanity_checks.text import counted, number
from lamella.figures import Cell, Table

LITTLE, MUCH = 0.25, 0.5  # of a map's order: a rank correlation
SAME = 0.8  # maps of two classes whose orders correlate so are hardly two maps
SURELY = 2.0  # standard errors
NOTE = (
    "In brackets, column by column: what is left of the map's order when all weights are random, "
    f"as the rank correlation of absolute values (yes below {LITTLE:g}, no from {MUCH:g} on); what "
    f"its maps of two unrelated classes share, likewise (yes below {MUCH:g}, no from {SAME:g} on); "
    "the area under insertion less that under deletion (yes or no where it differs from that of "
    f"the best order that knows nothing by more than {SURELY:g} standard errors). Last, the images "
    "whose map is largest on the thing: above or below where the 95 % interval of their share does "
    "not hold what the image's centre, or a random place, hits."
)
BASELINE = "(knowing nothing)"


def verdict_table(report: Report, more: str = "") -> Table:
    """A row for each method, a column for each question.

    Args:
        more: the page that it leads to.
    """
    asked: list[tuple[str, Sequence[str], str]] = []  # question, answers, what no map answers
    names = range(len(report.methods))
    if report.whole:
        kept = report.kept()[-1]
        gone = report.flat()[-1] == len(report.plan.images)
        learned = [_learned(float(kept[at]), bool(gone[at])) for at in names]
        asked.append(("Depends on what was learned?", learned, ""))
    if report.numbers.present[0]:
        shared = report.control("other_class")
        asked.append(("Depends on the class?", [_class(float(shared[at])) for at in names], ""))
    if report.areas is not None:
        found = [report.gain(at) for at in names]
        baseline = f"({number(found[0].baseline)})"
        asked.append(("Marks what counts?", [_counts(one) for one in found], baseline))
    if report.pointed:
        baselines = report.baseline("centre"), report.baseline("chance")
        pointed = [_points(report.hits(at), *baselines) for at in names]
        images = len(report.pointed)
        middle = counted(Share(baselines[0] * images, images))
        asked.append(("Points at the thing?", pointed, f"{middle}, the centre"))
    rows: list[tuple[str | Cell, ...]] = [
        (method.title, *(answers[at] for _, answers, _ in asked))
        for at, method in enumerate(report.methods)
    ]
    if any(baseline for *_, baseline in asked):
        rows.append((BASELINE, *(baseline for *_, baseline in asked)))
    if more:
        rows.append((Cell("How this was tested, and all maps", more), *("" for _ in asked)))
    return Table("", tuple(rows), ("Map", *(question for question, *_ in asked)), NOTE)


def _learned(kept: float, gone: bool) -> str:
    if gone:
        return "yes (empty)"
    if not math.isfinite(kept):
        return "no map"
    word = "yes" if abs(kept) < LITTLE else "in part" if abs(kept) < MUCH else "no"
    return f"{word} ({number(kept)})"


def _class(shared: float) -> str:
    if not math.isfinite(shared):
        return "no map"
    word = "yes" if abs(shared) < MUCH else "in part" if abs(shared) < SAME else "no"
    return f"{word} ({number(shared)})"


def _counts(found: Gain) -> str:
    word = "yes" if found.away > SURELY else "no" if found.away < -SURELY else "unclear"
    return f"{word} ({number(found.own)})"


def _points(hits: Share, centre: float, chance: float) -> str:
    low, high = hits.interval
    if low <= chance:
        word = "below chance" if high < chance else "like chance"
    else:
        word = "above" if low > centre else "below" if high < centre else "like"
        word = f"{word} the centre"
    return f"{counted(hits)}, {word}"


def sentences(report: Report) -> tuple[str, ...]:
    """For each method what the randomization test says of it."""
    if not report.whole:
        return ()
    kept, flat = report.kept(), report.flat()
    shared, between = report.control("other_class"), report.control("other_image")
    images = len(report.plan.images)
    top = report.stages[0][0]
    found = []
    for at, method in enumerate(report.methods):
        last, first = float(kept[-1, at]), float(kept[0, at])
        if not math.isfinite(last):
            when = "when everything is random" if flat[-1, at] == images else "from the beginning"
            found.append(f"{method.title}: its maps are empty {when}.")
            continue
        parts = [
            f"{method.title} keeps {number(last)} of its order when everything is random: "
            f"{_reading(last)}."
        ]
        if flat[-1, at]:
            parts.append(f"For {flat[-1, at]} of {images} images its map is then empty.")
        if float(between[at]) >= LITTLE:
            parts.append(f"Maps of different images share {number(float(between[at]))} anyway.")
        if len(kept) > 1 and first > SAME:
            parts.append(f"That {top} alone is random it hardly notices ({number(first)}).")
        if not method.of_class:
            parts.append("It does not ask about a class.")
        elif float(shared[at]) > SAME:
            parts.append(
                f"For the answer to another image it draws nearly the same ({number(shared[at])})."
            )
        found.append(" ".join(parts))
    return tuple(found)


def _reading(kept: float) -> str:
    if abs(kept) >= MUCH:
        return "it shows the image more than what the network learned"
    if abs(kept) >= LITTLE:
        return "a part of what it shows is the image, whatever the network learned"
    return "what it shows depends on what the network learned"
