"""The section of the network's page: the numbers, how sure it is, its most frequent answers.

Flow: stored -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

import numpy as np

from lamella.analyses.predictions import text
from lamella.analyses.predictions.stored import Answers, absent, answers
from lamella.figures import Cell, Figure, Gallery, Histogram, Mark, Table
from lamella.figures.format import probability, share_of
from lamella.figures.links import CLASSES, article_page
from lamella.store.facts import Atlas

LISTED = 8  # most frequent first answers in the table
SURE = 0.9  # a probability that is called sure; an edge of the histogram's bins


def figures(atlas: Atlas) -> tuple[Figure, ...]:
    """What the page of the network shows; () leaves the section out."""
    found = answers(atlas)
    if found is None:
        why = absent(atlas)
        return (Gallery("", (), note=why),) if why else ()
    return _overview(atlas, found), _sureness(found), _frequent(atlas, found)


def _overview(atlas: Atlas, found: Answers) -> Table:
    """The numbers, and the way to the classes."""
    outputs = "classes" if found.named else "outputs"
    sure = int(found.sure.sum(axis=0)[round(SURE * found.sure.shape[1]) :].sum())
    rows: list[tuple[str | Cell, ...]] = [
        ("Photographs", f"{found.images:,}"),
        (
            f"{outputs.capitalize()} that are a first answer",
            f"{len(found.seen):,} of {len(found.names):,}",
        ),
        (
            f"First answers with a probability above {100 * SURE:.0f} %",
            f"{sure:,} ({share_of(sure, found.images)})",
        ),
    ]
    right, labelled = found.accuracy
    if labelled:
        rows.append((text.RIGHT, f"{right:,} of {labelled:,} ({share_of(right, labelled)})"))
    if atlas.pages_of("classes"):
        rows.append(("More", Cell("All classes", article_page(atlas.network.name, CLASSES))))
    every = len(atlas.manifest.photographs) - len(atlas.manifest.skipped)
    if found.images < every:
        rows.append((text.UNANSWERED, text.unanswered(every - found.images)))
    unmatched = text.UNMATCHED if atlas.manifest.labels and not labelled else ""
    return Table("", tuple(rows), note=unmatched if found.named else text.UNNAMED)


def _sureness(found: Answers) -> Histogram:
    """How probable the first answers are."""
    counts = found.sure.sum(axis=0)
    mean = float((found.own_probability * found.count).sum() / max(1, found.images))
    return Histogram(
        "How sure it is",
        tuple(np.linspace(0, 1, len(counts) + 1).tolist()),
        tuple(counts.tolist()),
        alt=f"Histogram of the probability of the first answer to {found.images} photographs; its "
        f"mean is {probability(mean)}.",
        label="probability of the first answer; photographs",
        marks=(Mark(f"mean {mean:.2f}", mean),),
        log=False,
    )


def _frequent(atlas: Atlas, found: Answers) -> Table:
    """The classes that it names most often."""
    pages = atlas.pages_of("classes")
    rows = tuple(
        (
            Cell(found.short(c), pages.get(c, "")),
            f"{int(found.count[c]):,}",
            probability(float(found.own_probability[c])),
        )
        for c in found.by_count[:LISTED]
    )
    title = "Most frequent first answers"
    return Table(title, rows, ("class" if found.named else "output", "photographs", "mean prob."))
