"""The sections of the pictures made of a unit.

Flow: stored -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

from lamella.analyses.feature_visualization import stored
from lamella.figures import Figure, Gallery, Tile, short
from lamella.store.facts import LayerFacts

SILENT = "No photograph of the set excites this unit; only a picture made for it can."
DEAD = (
    "Dead: four ascents, one of them from the spectrum of its best photograph and past shut ReLUs, "
    "did not bring this unit above zero. The picture is what the last of them left."
)
FAILED = "There is no picture of this unit:"
SEVERAL_KINDS = (
    "The photographs that excite this unit most are clearly of several kinds: its facets."
)


def visualization_figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """The picture that excites a unit, with its activation; why there is none where it failed."""
    own = stored.visualizations(facts)
    if own.failed[channel]:
        return (Gallery("", (), note=f"{FAILED} {own.problem}"),)
    found = stored.visualization(facts, channel)
    if found is None:
        return ()
    caption = f"activation {found.activation:.4g}"
    maximum = facts.maximum(channel)
    if maximum is not None and maximum > 0:
        caption += f", {found.activation / maximum:.1f} times the photographs' maximum"
    note = SILENT if facts.silent(channel) else ""
    if own.dead[channel]:
        note = DEAD
    return (Gallery("", (Tile(found.picture, caption),), note=note, size="large"),)


def minimizing_figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """The picture that lowers a unit most, with its activation."""
    found = stored.minimizing(facts, channel)
    if found is None:
        return ()
    tile = Tile(found.picture, f"activation {found.activation:.4g}")
    return (Gallery("", (tile,), size="large"),)


def diversity_figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """A unit's pictures that were made to differ, each with its activation."""
    found = stored.diversity(facts, channel)
    if not found:
        return ()
    tiles = tuple(Tile(each.picture, short(each.activation)) for each in found)
    note = SEVERAL_KINDS if facts.of(stored.DIVERSITY)["split"][channel] else ""
    return (Gallery("", tiles, note=note, size="medium"),)
