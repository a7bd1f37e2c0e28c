"""The section of a unit's strongest photographs.

Flow: stored -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

from lamella.analyses.dataset_examples.stored import examples
from lamella.figures import Figure, Gallery, short
from lamella.figures.picture import Tile
from lamella.store.facts import EXAMPLES, LayerFacts

ONE_PER_CLASS = "The strongest photograph of each label, strongest labels first."
SILENT = "No photograph of the set excites this unit: its activation is zero everywhere."


def figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """What the page of one unit shows; () leaves the section out."""
    found = examples(facts, channel)
    if found is None:
        return ()
    if facts.silent(channel):
        return (Gallery("", (), note=SILENT),)
    tiles = tuple(
        Tile(one.patch, short(one.activation), one.label, beside=one.whole) for one in found.shown
    )
    few = f"Only {len(tiles)} photographs of the set excite this unit."
    note = few if len(tiles) < min(EXAMPLES, facts.photographs) else ""
    return (Gallery("", tiles, note=ONE_PER_CLASS if found.distinct else note, size="medium"),)
