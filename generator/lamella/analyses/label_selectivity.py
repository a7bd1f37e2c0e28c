"""Which classes drive a unit: its mean activation over the photographs of each label.

Flow: survey -> **label_selectivity** -> site. Imports no torch.

Source of the index: Morcos, Barrett, Rabinowitz and Botvinick 2018, "On the importance of single
directions for generalization", arXiv:1803.06959.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.panel import Panel, first_sentence
from lamella.figures import Figure, Histogram, Lines, Mark, Series, Table, short
from lamella.figures.format import times
from lamella.store.facts import LayerFacts

LISTED = 6  # labels in the table
CHARTED = 8  # from so many labels on, a chart shows all of them
POINTS = 200  # of a chart, at most
FEW = 5  # photographs of a label, below which its mean is said to rest on few
BARS = 20

Floats = NDArray[np.float64]


class LabelSelectivity(Panel):
    """Computes nothing: the survey keeps a mean per label."""

    name = "label_selectivity"
    title = "Selectivity by label"
    about = (
        "The mean activation over all positions of the photographs of each label. The selectivity "
        "index compares the strongest label with the mean of all others: 0 where they are equal, 1 "
        "where the unit answers to no other (Morcos et al. 2018, arXiv:1803.06959). Their study "
        "also warns: a "
        "selective unit need not matter much for what the network decides."
    )
    needs = ("survey",)
    shows_photographs = False
    per = "view"

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        means = label_means(facts)
        if means is None or facts.silent(channel):
            return ()
        own = means[channel]
        known = np.flatnonzero(np.isfinite(own))
        if not known.size:
            return ()
        order = known[np.argsort(-own[known], kind="stable")]
        table = _table(facts, channel, own, order)
        return (table, _chart(own[order])) if len(order) >= CHARTED else (table,)

    def summary(self, facts: LayerFacts, channel: int, shown: tuple[Figure, ...]) -> str:
        return first_sentence(shown)

    def columns(self, facts: LayerFacts) -> Mapping[str, NDArray[Any]]:
        means = label_means(facts)
        return {} if means is None or facts.layer.signed else {"selectivity": selectivity(means)}

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        means = label_means(facts)
        if means is None or facts.layer.signed:
            return ()
        index = selectivity(means)
        known = index[np.isfinite(index)]
        if not known.size:
            return ()
        counts, edges = np.histogram(known, BARS, (0.0, 1.0))
        middle = float(np.median(known))
        silent = len(index) - known.size
        left = f"Without units that no photograph excites: {silent}." if silent else ""
        return (
            Histogram(
                "Class selectivity of the units",
                tuple(edges.tolist()),
                tuple(counts.tolist()),
                alt=f"Histogram of the class selectivity index of {known.size} units; half of them "
                f"lie above {middle:.2f}.",
                label="class selectivity index; number of units",
                marks=(Mark(f"median {middle:.2f}", middle),),
                note=left,
                log=False,
            ),
        )


def label_means(facts: LayerFacts) -> Floats | None:
    """The mean activation over the images of each label, `(channel, label)`.

    NaN where no image of a label was seen; None without labels, or before the survey.
    """
    found = facts.of("labels").numbers.get("label_mean")
    return found.astype(np.float64) if found is not None and found.shape[1] else None


def selectivity(means: Floats) -> Floats:
    """The class selectivity index of units whose activations are never negative, `(channel,)`.

    (largest - rest) / (largest + rest), where rest is the mean over all other labels of their mean
    activations. NaN where fewer than two labels are known, or where nothing excites the unit.

    Args:
        means: per label, `(channel, label)`; NaN for a label that is not known.
    """
    known = np.isfinite(means)
    number = known.sum(axis=1)
    filled = np.where(known, means, -np.inf)
    largest = filled.max(axis=1, initial=-np.inf)
    usable = (number > 1) & (largest > 0)
    top = largest[usable]
    rest = (np.where(known, means, 0.0).sum(axis=1)[usable] - top) / (number[usable] - 1)
    index: Floats = np.full(len(means), np.nan)
    index[usable] = (top - rest) / (top + rest)
    return index.clip(0, 1)


def _table(facts: LayerFacts, channel: int, own: Floats, order: NDArray[np.int64]) -> Table:
    """The labels with the largest means, and what the numbers rest on."""
    labels = facts.manifest.labels
    counts = facts.atlas.labelled
    everywhere = float(facts.of("survey")["mean"][channel])
    signed = facts.layer.signed
    rows = []
    for at in order[:LISTED].tolist():
        mean = float(own[at])
        if signed:
            against = f"{mean - everywhere:+.3g}".replace("-", "−")
        else:
            against = times(mean / everywhere) if everywhere > 0 else ""
        rows.append((labels[at], short(mean), against, str(counts[labels[at]])))
    head = ("Label", "Mean", "Against all", "Photos")
    return Table("", tuple(rows), head, note=_note(facts, own, order, everywhere))


def _note(facts: LayerFacts, own: Floats, order: NDArray[np.int64], everywhere: float) -> str:
    """The index, the mean that the others are held against, and on how many labels it rests."""
    labels, counts = facts.manifest.labels, facts.atlas.labelled
    sentences = []
    if not facts.layer.signed:
        index = float(selectivity(own[None])[0])
        if math.isfinite(index):
            sentences.append(f"Class selectivity index {index:.2f}.")
    else:
        sentences.append("The selectivity index is not defined where activations can be negative.")
    what = "difference to it" if facts.layer.signed else "ratio to it"
    sentences.append(f"Mean over all photographs {short(everywhere)}; “against all” is the {what}.")
    labelled = sum(counts.values())
    if labelled < facts.photographs:
        sentences.append(f"{labelled} of {facts.photographs} photographs have a label.")
    strongest = labels[order[0]]
    if counts[strongest] == 1:
        sentences.append(f"“{strongest}” has a single photograph: its mean is that one.")
    elif counts[strongest] < FEW:
        sentences.append(f"“{strongest}” has only {counts[strongest]} photographs.")
    return " ".join(sentences)


def _chart(sorted_means: Floats) -> Lines:
    """All labels, the largest mean first."""
    number = len(sorted_means)
    at = np.unique(np.linspace(0, number - 1, min(number, POINTS)).round().astype(np.int64))
    high, low = float(sorted_means[0]), float(sorted_means[-1])
    return Lines(
        f"All {number} labels, strongest first",
        tuple((at + 1.0).tolist()),
        (Series("mean activation", tuple(sorted_means[at].tolist())),),
        alt=f"The mean activations of {number} labels, falling from {short(high)} to {short(low)}.",
        x_label="rank of the label",
        y_label="mean activation",
    )
