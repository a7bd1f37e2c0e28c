"""What a unit's page shows of its facets: how many there are, and a row of patches for each.

Flow: stored -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.facets.clusters import SHARP
from lamella.analyses.facets.stored import LayerFacets
from lamella.figures import Figure, Gallery, Tile, short
from lamella.figures.patches import cut_out
from lamella.figures.published import patch_sheet
from lamella.store.facts import LayerFacts

ROW = 8  # patches of a cluster that are shown
NAMED = 3  # labels of a cluster that are named
NUMBERS = {2: "two", 3: "three", 4: "four"}


def figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """What the page of one unit shows; () leaves the section out."""
    own = LayerFacets.of(facts)
    if own is None or not own.present[channel] or facts.silent(channel):
        return ()
    clusters = [
        np.flatnonzero(own.cluster[channel] == each) for each in range(int(own.number[channel]))
    ]
    sentence = _sentence(own, channel)
    if len(clusters) < 2:
        return (Gallery("", (), note=sentence),)
    words = [_words(facts, channel, cluster) for cluster in clusters]
    if patch_sheet(facts, channel) is None:
        named = "; ".join(f"{len(each)}{word}" for each, word in zip(clusters, words, strict=True))
        return (Gallery("", (), note=f"{sentence} Photographs of each: {named}."),)
    galleries = [
        Gallery(
            f"Kind {at + 1}: {len(cluster)} of {sum(map(len, clusters))} photographs{word}"
            + (f"; the strongest {ROW}" if len(cluster) > ROW else ""),
            tuple(_tiles(facts, channel, cluster[:ROW])),
        )
        for at, (cluster, word) in enumerate(zip(clusters, words, strict=True))
    ]
    return (Gallery("", (), note=sentence), *galleries)


def _sentence(own: LayerFacets, channel: int) -> str:
    """How many kinds there are, and how sure that is."""
    number, score = int(own.number[channel]), float(own.score[channel])
    listed = int((own.cluster[channel] >= 0).sum())
    if math.isnan(score):
        few = "photograph excites" if listed == 1 else "photographs excite"
        return f"Only {listed} {few} this unit: too few to tell kinds apart."
    numbers = f"polysemanticity score {score:.2f}"
    if number == 1:
        return f"One kind, as far as the {listed} strongest photographs tell: {numbers}."
    silhouette = float(own.silhouette[channel])
    sure = "clearly apart" if silhouette >= SHARP else "apart on the whole, but not sharply"
    return (
        f"The {listed} strongest photographs are of {NUMBERS[number]} kinds, {sure}: {numbers}, "
        f"silhouette {silhouette:.2f}."
    )


def _words(facts: LayerFacts, channel: int, cluster: NDArray[np.int64]) -> str:
    """The most frequent labels of a cluster, ": cat 5, dog 2"; "" where there are none."""
    images = facts.of("survey")["top_image"][channel][cluster].tolist()
    counts = Counter(facts.manifest.photographs[image].label for image in images)
    del counts[""]
    named = [f"{label} {number}" for label, number in counts.most_common(NAMED)]
    more = ", ..." if len(counts) > NAMED else ""
    return f": {', '.join(named)}{more}" if named else ""


def _tiles(facts: LayerFacts, channel: int, cluster: NDArray[np.int64]) -> Iterator[Tile]:
    """The patches of a cluster's examples, from the sheet of the dataset examples."""
    survey = facts.of("survey")
    stored = patch_sheet(facts, channel)
    if stored is None:
        return
    sheet, cells = stored
    for place in cluster.tolist():
        if place >= cells.columns * cells.rows:
            continue
        label = facts.manifest.photographs[int(survey["top_image"][channel, place])].label
        activation = float(survey["top_activation"][channel, place])
        box = facts.layer.box(
            int(survey["top_row"][channel, place]),
            int(survey["top_column"][channel, place]),
            *facts.network.size,
        )
        picture = cut_out(sheet, cells, place, label or "photograph", activation, box)
        yield Tile(picture, short(activation), label)
