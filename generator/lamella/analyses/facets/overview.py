"""How many units have several kinds of photographs: in a layer, and along the network's depth.

Flow: stored -> **overview** -> site. Imports no torch.
"""

import math

import numpy as np

from lamella.analyses.facets.stored import LayerFacets
from lamella.figures import Figure, Gallery, Lines, Series, Tile
from lamella.figures.published import thumbnail, unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas, LayerFacts

LISTED = 12  # units of a layer


def layer_figures(facts: LayerFacts) -> tuple[Figure, ...]:
    """The layer's most polysemantic units; nothing before any was looked at."""
    own = LayerFacets.of(facts)
    if own is None or not own.scored.any():
        return ()
    scored, score, number = np.flatnonzero(own.scored), own.score, own.number
    several = scored[number[scored] > 1]
    order = np.lexsort((several, -own.silhouette[several], -score[several]))
    tiles = tuple(
        Tile(
            thumbnail(facts.atlas, unit),
            f"channel {unit.channel}",
            f"{score[unit.channel]:.2f}, {number[unit.channel]} kinds",
            link=unit_page(facts.atlas, unit),
        )
        for unit in (Unit(facts.layer.name, c) for c in several[order][:LISTED].tolist())
    )
    sentence = (
        f"{several.size} of {scored.size} units have several kinds of photographs; the mean "
        f"polysemanticity score is {score[scored].mean():.2f}."
    )
    title = "Most polysemantic units" if tiles else ""
    return (Gallery(title, tiles, note=sentence, size="small"),)


def network_figures(atlas: Atlas) -> tuple[Figure, ...]:
    """The mean score, and the share of units with several kinds, layer by layer."""
    names, score, several = [], [], []
    for facts in atlas.layers():
        own = LayerFacets.of(facts)
        if own is None:
            continue
        scored = own.scored
        names.append(facts.layer.name)
        score.append(float(own.score[scored].mean()) if scored.any() else math.nan)
        several.append(float((own.number[scored] > 1).mean()) if scored.any() else math.nan)
    if not names:
        return ()
    figure = Lines(
        "Several kinds of photographs, layer by layer",
        (),
        (
            Series("mean polysemanticity score", tuple(score)),
            Series("share of units with several kinds", tuple(several)),
        ),
        alt=f"Along the depth of the network, from {names[0]} to {names[-1]}: the mean "
        "polysemanticity score of the units, and the share of them whose photographs are of more "
        "than one kind.",
        x_label="layer",
        y_label="",
        names=tuple(names),
    )
    return (figure,)
