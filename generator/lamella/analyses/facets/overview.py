"""How many units have several kinds of photographs: in a layer, and along the network's depth.

Flow: facts -> **overview** -> panels/facets.py.
"""

import math

import numpy as np

from lamella.figures import Figure, Gallery, Lines, Series, Tile
from lamella.figures.published import thumbnail, unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas, LayerFacts, PanelFacts

LISTED = 12  # units of a layer


def layer_figures(facts: LayerFacts, own: PanelFacts) -> tuple[Figure, ...]:
    """The layer's most polysemantic units; nothing before any was looked at."""
    if not own.present.any():
        return ()
    known = np.flatnonzero(own.present & np.isfinite(own["score"]))
    if not known.size:
        return ()
    score, number = own["score"], own["facets"]
    several = known[number[known] > 1]
    order = np.lexsort((several, -own["silhouette"][several], -score[several]))
    tiles = tuple(
        Tile(
            thumbnail(facts.atlas, unit),
            f"channel {unit.channel}",
            f"{score[unit.channel]:.2f}, {number[unit.channel]} kinds",
            link=unit_page(facts.atlas, unit),
        )
        for unit in (Unit(facts.layer.name, c) for c in several[order][:LISTED].tolist())
    )
    said = (
        f"{several.size} of {known.size} units have several kinds of photographs; the mean "
        f"polysemanticity score is {score[known].mean():.2f}."
    )
    title = "Most polysemantic units" if tiles else ""
    return (Gallery(title, tiles, note=said, size="small"),)


def network_figures(atlas: Atlas, panel: str) -> tuple[Figure, ...]:
    """The mean score, and the share of units with several kinds, layer by layer."""
    names, score, several = [], [], []
    for facts in atlas.layers():
        own = facts.of(panel)
        if not own.present.any():
            continue
        known = own.present & np.isfinite(own["score"])
        names.append(facts.layer.name)
        score.append(float(own["score"][known].mean()) if known.any() else math.nan)
        several.append(float((own["facets"][known] > 1).mean()) if known.any() else math.nan)
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
