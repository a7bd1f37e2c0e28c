"""How good the picture is: what was measured of it, in a reader's words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lamella.analyses.panel import Panel
from lamella.analyses.visualization_quality.gates import Summary, percent, summarised
from lamella.analyses.visualization_quality.overview import network_figures
from lamella.analyses.visualization_quality.stored import Quality, quality_of
from lamella.figures import Figure, Lines, Series, Table
from lamella.figures.format import times
from lamella.store.facts import Atlas, LayerFacts

Rows = list[tuple[str, ...]]
NAMED = 10  # failed channels that a layer's page lists
CHANCE = "chance"
# What each attempt of ascents/recipe.py raises; the later ones are for units that it failed.
ATTEMPTS = {
    1: "the channel, against its layer",
    2: "with its strongest place on top, in larger steps",
    3: "the channel again, in much larger steps",
    4: "its strongest place alone, from the spectrum of its best photograph",
}
# What a score is called, its key, and those to read it against.
SCORES = (
    (
        "Machine interpretability",
        "mis_picture",
        (("mis_natural", "photographs"), (CHANCE, "chance")),
    ),
    (
        "Similarity of the path",
        "path_picture",
        (("path_natural", "photographs"), ("path_shuffled", "other units' photographs")),
    ),
)


class VisualizationQuality(Panel):
    """Computes nothing: the pictures were measured when they were made."""

    name = "visualization_quality"
    formerly = ("quality",)
    title = "Visualization quality"
    about = (
        "Measured on the finished picture, and compared with all photographs. A picture that "
        "excites the unit more than any of them is an exaggeration: read it beside them."
    )
    needs = ("survey", "feature_visualization")
    per = "view"

    def best(self, facts: LayerFacts) -> Sequence[int]:
        own = quality_of(facts)
        strength = np.nan_to_num(own.over_maximum, nan=0.0)
        # A picture that its own unit answers to most comes before a stronger one of any unit.
        every = range(facts.layer.channels)
        return sorted(every, key=lambda c: (not own.first[c], -float(strength[c]), c))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        own = quality_of(facts)
        if own.failed[channel]:
            return (Table("", (("Picture", "none: the ascent failed for this unit"),)),)
        if not own.picture[channel]:
            return ()
        if own.dead[channel]:
            rows = [("Dead", "yes: nothing in an image changes this unit"), *_ascent(own, channel)]
            return (Table("", tuple(rows)),)
        scores = {key: float(values[channel]) for key, values in own.scores.items()}
        rows = [
            *_strength(own, channel),
            *_selectivity(own, channel),
            *_look(own, channel),
            *_ascent(own, channel),
            *_explained(scores),
        ]
        return (Table("", tuple(rows)), *_curve(facts, channel)) if rows else ()

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        return network_figures(atlas)

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        one = summarised(facts.layer.name, [quality_of(facts)])
        if not (one.pictures or one.failed):
            return ()
        return (Table("", tuple(_layer(one) + _explained(one.scores))),)


def ordinal(number: int) -> str:
    """A rank in words.

    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 112)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '112th']
    """
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _strength(own: Quality, channel: int) -> Rows:
    """Against the photographs, and what that says of the picture."""
    if not own.surveyed[channel] or math.isnan(own.activation[channel]):
        return []
    rows: Rows = []
    for name, ratios, beats in (
        ("Against the strongest photograph", own.over_maximum, own.beats_maximum),
        ("Against the top 0.1 % of activations", own.over_p999, own.beats_p999),
    ):
        ratio = float(ratios[channel])
        if math.isfinite(ratio):
            rows.append((name, f"{times(ratio)} as strong"))
        else:  # not positive: a quotient would say nothing
            rows.append((name, "stronger" if beats[channel] else "not stronger"))
    if own.bounded[channel]:
        beyond = "no: photographs drive the unit to the same bound, and nothing goes beyond"
    elif own.silent[channel] and own.beats_maximum[channel]:
        beyond = "yes: no photograph excites the unit at all"
    elif own.beats_maximum[channel]:
        beyond = "yes: no photograph excites the unit as much"
    else:
        beyond = "no: photographs excite the unit as much or more"
    return [*rows, ("Out of distribution", beyond)]


def _selectivity(own: Quality, channel: int) -> Rows:
    rank, of = int(own.rank[channel]), own.rank.size
    return [("Rank among the layer's units", f"{ordinal(rank)} of {of}")] if rank > 0 else []


def _look(own: Quality, channel: int) -> Rows:
    contrast = float(own.contrast[channel])
    if not math.isfinite(contrast):
        return []
    told = "yes: it shows nothing" if own.grey[channel] else "no"
    return [("Grey", f"{told}, contrast {contrast:.2g}")]


def _ascent(own: Quality, channel: int) -> Rows:
    rows: Rows = []
    tries, kept = int(own.tries[channel]), int(own.kept_step[channel])
    if attempt := int(own.attempt[channel]):
        of = f" of {tries}" if tries > 1 else ""
        rows.append(("Attempt", f"{ordinal(attempt)}{of}: {ATTEMPTS[attempt]}"))
    if kept >= 0:
        rows.append(("Step kept", f"{kept} of {own.steps}" if own.steps else str(kept)))
    return rows


def _curve(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """The objective on the way, where the ascent was stored."""
    curves = facts.of("feature_visualization").numbers.get("curve")
    if curves is None or curves.ndim != 2 or curves.shape[1] < 2:
        return ()
    values = tuple(curves[channel].tolist())
    steps = tuple(float(step) for step in range(len(values)))
    told = f"from {values[0]:.3g} to {values[-1]:.3g} in {len(values)} steps"
    alt = f"The objective during the ascent: {told}."
    ascent = Series("objective", values)
    return (Lines("", steps, (ascent,), alt=alt, x_label="step", y_label="objective"),)


def _explained(scores: Mapping[str, float]) -> Rows:
    """The panel `explanation`'s scores, the picture's beside what they are to be read against."""
    return [
        (name, f"{scores[own]:.2f}{beside}")
        for name, own, others in SCORES
        if math.isfinite(scores.get(own, math.nan))
        for beside in ["".join(_beside(scores, key, word) for key, word in others)]
    ]


def _beside(scores: Mapping[str, float], key: str, word: str) -> str:
    value = 0.5 if key == CHANCE else scores.get(key, math.nan)
    return f"; {word} {value:.2f}" if math.isfinite(value) else ""


def _layer(one: Summary) -> Rows:
    """A layer in a few rows; what was not measured is left out."""
    live = f"of {one.live} live units"
    rows: Rows = [("Pictures", f"{one.pictures} of {one.units} units")]
    for name, share in (
        ("Stronger than any photograph", one.beat_maximum),
        ("Stronger than 99.9 % of activations", one.beat_p999),
        ("First among the layer's units", one.first),
    ):
        if share is not None:
            rows.append((name, f"{percent(share)} {live}"))
    for name, strength in (
        ("Median strength, of the strongest photograph", one.over_maximum),
        ("Median strength, of the top 0.1 % of activations", one.over_p999),
    ):
        if strength is not None:
            rows.append((name, times(strength)))
    if one.grey is not None:
        rows.append(("Grey", f"{one.grey} {live}"))
    rows.append(("Dead", str(one.dead)))
    if one.restarted is not None:
        rows.append(("Started again", str(one.restarted)))
    if one.failed:
        named = ", ".join(str(unit.channel) for unit in one.failed[:NAMED])
        more = f" and {len(one.failed) - NAMED} more" if len(one.failed) > NAMED else ""
        rows.append(("Failed", f"{len(one.failed)}: channel {named}{more}"))
    return rows
