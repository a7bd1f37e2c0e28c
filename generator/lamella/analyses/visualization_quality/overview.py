"""How good all pictures of a network are: along its depth, and against the gates.

Flow: stored + gates -> **overview** -> site. `lamella report` says the same.
"""

import math

from lamella.analyses.visualization_quality.gates import Gate, gates, percent, summarised
from lamella.analyses.visualization_quality.stored import quality_of
from lamella.figures import Figure, Lines, Series, Table
from lamella.store.facts import Atlas

NAMED = 5
MET = {True: "met", False: "missed", None: "not all measured"}


def network_figures(atlas: Atlas) -> tuple[Figure, ...]:
    """Shares and strengths layer by layer, and the gates; nothing before there are pictures."""
    layers = [quality_of(facts) for facts in atlas.layers()]
    made = [own for own in layers if own.picture.any()]
    if not made:
        return ()
    each = [summarised(own.layer, [own]) for own in made]
    names = tuple(own.layer for own in made)
    shares = Lines(
        "Shares of live units, layer by layer",
        (),
        (
            Series("stronger than any photograph", tuple(_known(one.beat_maximum) for one in each)),
            Series("first among the layer's units", tuple(_known(one.first) for one in each)),
        ),
        alt="Along the depth of the network: the share of live units whose picture excites them "
        "more than any photograph, and the share whose picture excites them more than any other "
        "unit of the layer.",
        x_label="layer",
        y_label="share",
        names=names,
    )
    rows = tuple((gate.name, *_gate(gate)) for gate in gates(layers))
    table = Table(
        "What is asked of the pictures",
        rows,
        head=("Of live units", "measured", "gate", "", "misses"),
    )
    return (shares, table)


def _known(share: float | None) -> float:
    return math.nan if share is None else share


def _gate(gate: Gate) -> tuple[str, ...]:
    more = f" and {len(gate.misses) - NAMED} more" if len(gate.misses) > NAMED else ""
    measured = "-" if gate.measured is None else percent(gate.measured)
    threshold = f"{gate.threshold:.0%}".replace("%", " %")
    return measured, threshold, MET[gate.met], ", ".join(gate.misses[:NAMED]) + more
