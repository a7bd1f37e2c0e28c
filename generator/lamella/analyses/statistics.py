"""What the survey says of a unit: its numbers, and the histogram of its activations.

Flow: survey + what feature_visualization stored -> **statistics** -> site. Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.feature_visualization.stored import visualizations
from lamella.analyses.panel import Panel
from lamella.figures import Figure, Histogram, Mark, Table, short
from lamella.store.facts import LayerFacts, PanelFacts
from lamella.survey.bins import ZERO, edges

SHOWN = 48  # bars
OUTSIDE = "Tinted: beyond the strongest photograph."
BEYOND = 2.0  # the axis is made longer for the picture by so many times its width, at most
_EDGES = np.delete(edges(), ZERO)  # without the bin of zeros


class Statistics(Panel):
    """Computes nothing: the survey already did."""

    name = "statistics"
    title = "Activations"
    about = "Over all photographs and all positions of the layer."
    needs = ("survey",)
    shows = ("feature_visualization",)
    shows_photographs = False
    per = "view"

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        survey = facts.of("survey")
        if not survey.present[channel]:
            return ()
        maximum = float(survey["maximum"][channel])
        rows = [
            ("Maximum", f"{maximum:.4g}"),
            ("Mean", f"{survey['mean'][channel]:.4g}"),
            ("Standard deviation", f"{survey['deviation'][channel]:.4g}"),
            ("Exactly zero", f"{survey['zeros'][channel]:.1%}"),
        ]
        rows += [
            (name, f"{survey[key][channel]:.4g}")
            for key, name in (
                ("p50", "Median"),
                ("p90", "90th percentile"),
                ("p99", "99th percentile"),
                ("p999", "99.9th percentile"),
            )
        ]
        picture = float(visualizations(facts).activation[channel])
        if math.isfinite(picture):
            rows.append(("Feature visualization", f"{picture:.4g}"))
        note = "No photograph of the set excites this unit." if facts.silent(channel) else ""
        table = Table("", tuple(rows), note=note)
        chart = histogram(
            survey["counts"][channel],
            maximum,
            float(survey["p999"][channel]),
            p99=float(survey["p99"][channel]),
            picture=picture,
            zeros=float(survey["zeros"][channel]),
        )
        return (chart, table) if chart else (table,)

    def columns(self, facts: LayerFacts) -> Mapping[str, NDArray[Any]]:
        survey = facts.of("survey")
        known = {name: _known(survey, name) for name in ("maximum", "mean", "zeros")}
        density = 1 - known.pop("zeros")
        return {**known, "density": density}


def _known(survey: PanelFacts, name: str) -> NDArray[np.float64]:
    """A number of each unit; NaN before the survey."""
    stored = survey.numbers.get(name, np.nan)
    return np.where(survey.present, stored, np.nan).astype(np.float64)


def histogram(
    counts: np.ndarray,
    maximum: float,
    p999: float,
    *,
    p99: float = math.nan,
    picture: float = math.nan,
    zeros: float = 0.0,
) -> Histogram | None:
    """The survey's counts in even steps; those of exactly zero are a mark, not a bar.

    Args:
        p99, p999: quantiles of all activations, zeros included, as they are marked.
        picture: the feature visualization's activation, marked too; the axis is made longer for it
            so that its distance from the photographs can be seen, three times as long at most.
            What no photograph reaches is tinted.
        zeros: the share of activations that are exactly zero.
    """
    bounds = _EDGES
    counts = np.delete(counts, ZERO)
    filled = np.flatnonzero(counts)
    if not filled.size:
        return None
    low, high = float(bounds[filled[0]]), maximum
    if low > 0 and (zeros > 0 or low < high / SHOWN):
        low = 0.0
    if not high > low:
        low, high = float(bounds[filled[0]]), float(bounds[filled[-1] + 1])
    # How far beyond the photographs the picture lies, in widths of the axis.
    reach = min((picture - high) / (high - low), BEYOND) if picture > high else 0.0
    bars = round(SHOWN / math.sqrt(1 + reach))  # a longer axis has more bars, and thinner ones
    steps = np.linspace(low, high, bars + 1)
    below = np.interp(steps, bounds, np.concatenate([[0], np.cumsum(counts)]))
    below[-1] = counts.sum()  # the bin that holds the maximum reaches beyond it
    even = np.diff(np.rint(below)).astype(np.int64)
    empty = math.ceil(reach * bars)
    steps = np.concatenate([steps, high + (high - low) / bars * np.arange(1, empty + 1)])
    even = np.concatenate([even, np.zeros(empty, np.int64)])
    quantiles = ("99 %", p99), ("99.9 %", p999)
    marks = [Mark(name, min(value, maximum)) for name, value in quantiles if value > low]
    marks.append(Mark("maximum", maximum))
    if zeros > 0:
        marks.insert(0, Mark(f"zero: {share(zeros)}", 0.0))
    alt = (
        f"Histogram of the non-zero activations, from {short(low)} to {short(high)}; counts fall "
        f"towards the maximum; one in a thousand activations lies above {short(p999)}."
    )
    if zeros > 0:
        alt += f" {share(zeros)} of all activations are exactly zero."
    if math.isfinite(picture):
        marks.append(_picture(picture, maximum, float(steps[-1])))
        alt += f" The feature visualization reaches {short(picture)}."
    return Histogram(
        title="",
        edges=tuple(steps.tolist()),
        counts=tuple(even.tolist()),
        alt=alt,
        label="activation, zeros left out",
        marks=tuple(marks),
        note=OUTSIDE if picture > maximum else "",
        beyond=maximum if picture > maximum else None,
    )


def share(zeros: float) -> str:
    """A share that is not all or nothing, to two digits, and not rounded to all or nothing.

    >>> [share(zeros) for zeros in (0.0000004, 0.003, 0.449, 0.98, 0.996, 0.9999, 0.999999, 1.0)]
    ['< 0.01 %', '0.3 %', '45 %', '98 %', '99.6 %', '99.99 %', '> 99.99 %', '100 %']
    """
    rare = min(zeros, 1 - zeros)
    digits = 0 if rare >= 0.0195 else 1 if rare >= 0.00195 else 2
    if 0 < rare < 0.0001 - 1e-9:
        return "< 0.01 %" if zeros < 0.5 else "> 99.99 %"
    return f"{100 * zeros:.{digits}f} %" if rare else f"{100 * zeros:.0f} %"


def _picture(picture: float, maximum: float, end: float) -> Mark:
    """The mark of the feature visualization; at the edge, with an arrow, where it lies beyond."""
    if picture <= end:
        return Mark("picture", picture)
    ratio = picture / maximum if maximum > 0 else math.nan
    far = f"{ratio:,.0f}× maximum" if math.isfinite(ratio) else short(picture)
    return Mark(f"picture: {far} →", end)
