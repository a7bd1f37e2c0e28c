"""What the survey says of a unit: its numbers, and the histogram of its activations."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lamella.facts import LayerFacts
from lamella.figures import Figure, Histogram, Mark, Table
from lamella.panels.base import Panel
from lamella.survey.bins import ZERO, edges

SHOWN = 48  # bars
_EDGES = np.delete(edges(), ZERO)  # without the bin of zeros


class Statistics(Panel):
    """Computes nothing: the survey already did."""

    name: ClassVar[str] = "statistics"
    title: ClassVar[str] = "Activations"
    about: ClassVar[str] = "Over all photographs and all positions of the layer."
    needs: ClassVar[tuple[str, ...]] = ("survey",)
    per: ClassVar[str] = "view"

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
        made = facts.of("feature_visualization")
        if made.present[channel]:
            rows.append(("Feature visualization", f"{made['activation'][channel]:.4g}"))
        note = "No photograph of the set excites this unit." if facts.silent(channel) else ""
        table = Table("", tuple(rows), note=note)
        chart = histogram(survey["counts"][channel], maximum, float(survey["p999"][channel]))
        return (chart, table) if chart else (table,)


def histogram(counts: np.ndarray, maximum: float, p999: float) -> Histogram | None:
    """The survey's counts in even steps; the activations of exactly zero are left out."""
    bounds = _EDGES
    counts = np.delete(counts, ZERO)
    filled = np.flatnonzero(counts)
    if not filled.size:
        return None
    low, high = float(bounds[filled[0]]), maximum
    if low > 0 and low < high / SHOWN:
        low = 0.0
    if not high > low:
        low, high = float(bounds[filled[0]]), float(bounds[filled[-1] + 1])
    steps = np.linspace(low, high, SHOWN + 1)
    below = np.interp(steps, bounds, np.concatenate([[0], np.cumsum(counts)]))
    below[-1] = counts.sum()  # the bin that holds the maximum reaches beyond it
    even = np.diff(np.rint(below)).astype(np.int64)
    marks = (Mark("99.9 %", p999), Mark("maximum", maximum)) if p999 > low else ()
    return Histogram(
        title="",
        edges=tuple(steps.tolist()),
        counts=tuple(even.tolist()),
        alt=f"Histogram of the non-zero activations, from {low:.3g} to {high:.3g}; counts fall "
        f"towards the maximum; one in a thousand activations lies above {p999:.3g}.",
        label="activation, zeros left out",
        marks=marks,
    )
