"""How good a unit's picture is, and those of a layer, in a reader's words.

Flow: stored + gates -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from lamella.analyses.feature_visualization.stored import Visualizations, visualizations
from lamella.analyses.visualization_quality.gates import Summary, percent, summarised
from lamella.analyses.visualization_quality.stored import Quality, quality_of
from lamella.figures import Figure, Lines, Series, Table
from lamella.figures.format import times
from lamella.store.facts import LayerFacts

Rows = list[tuple[str, ...]]
NAMED = 10  # failed channels that a layer's page lists
CHANCE = "chance"
# What each attempt of a feature visualization raises; later ones are for units that it failed.
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


def best(facts: LayerFacts) -> Sequence[int]:
    """The channels of a layer, those whose pictures show it best first."""
    own = quality_of(facts)
    strength = np.nan_to_num(own.over_maximum, nan=0.0)
    # A picture that its own unit answers to most comes before a stronger one of any unit.
    every = range(facts.layer.channels)
    return sorted(every, key=lambda c: (not own.first[c], -float(strength[c]), c))


def unit_figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """What was measured of a unit's picture; () where there is none."""
    own, made = quality_of(facts), visualizations(facts)
    if own.failed[channel]:
        return (Table("", (("Picture", "none: the ascent failed for this unit"),)),)
    if not own.picture[channel]:
        return ()
    if own.dead[channel]:
        rows = [("Dead", "yes: nothing in an image changes this unit"), *_ascent(made, channel)]
        return (Table("", tuple(rows)),)
    scores = {key: float(values[channel]) for key, values in own.scores.items()}
    rows = [
        *_strength(own, channel),
        *_selectivity(own, channel),
        *_contrast(own, channel),
        *_ascent(made, channel),
        *_explained(scores),
    ]
    return (Table("", tuple(rows)), *_curve(made, channel)) if rows else ()


def layer_figures(facts: LayerFacts) -> tuple[Figure, ...]:
    """The pictures of a layer in a few rows; () where there are none."""
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


def _contrast(own: Quality, channel: int) -> Rows:
    contrast = float(own.contrast[channel])
    if not math.isfinite(contrast):
        return []
    grey = "yes: it shows nothing" if own.grey[channel] else "no"
    return [("Grey", f"{grey}, contrast {contrast:.2g}")]


def _ascent(made: Visualizations, channel: int) -> Rows:
    rows: Rows = []
    tries, kept = int(made.tries[channel]), int(made.kept_step[channel])
    if attempt := int(made.attempt[channel]):
        of = f" of {tries}" if tries > 1 else ""
        rows.append(("Attempt", f"{ordinal(attempt)}{of}: {ATTEMPTS[attempt]}"))
    if kept >= 0:
        steps = made.curve.shape[1]
        rows.append(("Step kept", f"{kept} of {steps}" if steps else str(kept)))
    return rows


def _curve(made: Visualizations, channel: int) -> tuple[Figure, ...]:
    """The objective on the way, where the ascent was stored."""
    values = tuple(made.curve[channel].tolist())
    if len(values) < 2:
        return ()
    steps = tuple(float(step) for step in range(len(values)))
    change = f"from {values[0]:.3g} to {values[-1]:.3g} in {len(values)} steps"
    alt = f"The objective during the ascent: {change}."
    ascent = Series("objective", values)
    return (Lines("", steps, (ascent,), alt=alt, x_label="step", y_label="objective"),)


def _explained(scores: Mapping[str, float]) -> Rows:
    """The scores of `interpretability`, the picture's beside what they are to be read against."""
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
