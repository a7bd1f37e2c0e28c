"""How well a unit's picture explains it: two scores, and the path through the network.

Flow: stored -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.interpretability.stored import KINDS, PANEL, PATH, RIGHT, SCORE, number
from lamella.figures import Figure, Lines, Series, Table
from lamella.store.facts import LayerFacts, PanelFacts

WORDS = dict(
    zip(KINDS, ("The picture", "Its photographs", "Photographs of other units"), strict=True)
)
PATH_NOTE = (
    "Rank correlation of a layer's channels between two images, one of them a photograph that "
    "excites the unit most. Where the picture's line runs with that of other units' photographs, "
    "it takes another path to the unit than photographs do."
)
SIMILARITIES = {
    "texture": "Likeness is told by statistics of colour and texture, without any network; it does "
    "not know what things are.",
    "network": "Likeness is told by this layer of the studied network itself, which favours "
    "pictures that were made with it.",
}


def unit_figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """The scores and the path of one unit; () where they were not measured."""
    own = facts.of(PANEL)
    return _shown(facts, own, np.array([channel])) if own.present[channel] else ()


def layer_figures(facts: LayerFacts) -> tuple[Figure, ...]:
    """The means over the units of a layer."""
    own = facts.of(PANEL)
    return _shown(facts, own, np.flatnonzero(own.present)) if own.present.any() else ()


def _mean(values: NDArray[np.float32]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def _shown(facts: LayerFacts, own: PanelFacts, channels: NDArray[np.int64]) -> tuple[Figure, ...]:
    """The scores and the path of one unit, or the means over several."""
    rows = [
        (word, f"{_mean(own[number(SCORE, kind)][channels]):.2f}", f"{right:.0%}")
        for kind, word in WORDS.items()
        if math.isfinite(right := _mean(own[number(RIGHT, kind)][channels]))
    ]
    note = SIMILARITIES.get(own.made.get("similarity", ""), "")
    head = ("What explains it", "Machine interpretability score", "Tasks right")
    scores = (Table("", tuple(rows), head=head, note=note),) if rows else ()
    path = _path(facts, own, channels)
    return (*scores, *((path,) if path else ()))


def _path(facts: LayerFacts, own: PanelFacts, channels: NDArray[np.int64]) -> Lines | None:
    """The three similarities from the first layer to the unit's own."""
    found = [(word, own[number(PATH, kind)][channels]) for kind, word in WORDS.items()]
    known = np.flatnonzero(np.isfinite([paths for _, paths in found]).any(axis=(0, 1)))
    if not known.size:
        return None
    length = int(known[-1]) + 1
    every = facts.network.layers
    # An atlas of some of the layers does not know what the others are called.
    named = len(every) == found[0][1].shape[1]
    names = tuple(every[at].name if named else str(at + 1) for at in range(length))
    lines = tuple(
        Series(word, tuple(_mean(paths[:, at]) for at in range(length)))
        for word, paths in found
        if np.isfinite(paths).any()  # a unit without a second photograph has two paths, say
    )
    ends = ", ".join(
        f"{line.name.lower()} {line.values[-1]:.2f}"
        for line in lines
        if math.isfinite(line.values[-1])
    )
    return Lines(
        title="The path through the network",
        x=(),
        series=lines,
        alt=f"How alike the activations are to those of photographs that excite the unit, from "
        f"{names[0]} to {names[-1]}; in the last: {ends}.",
        x_label="layer",
        y_label="rank correlation",
        names=names,
        note=PATH_NOTE,
    )
