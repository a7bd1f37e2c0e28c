"""What a unit's page shows of the units that answer to the same photographs.

Flow: stored -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lamella.analyses.embedding.correlation import NOTABLE, by_chance
from lamella.analyses.embedding.stored import Correlated, Neighbours, neighbours
from lamella.figures import Figure, Gallery, Tile
from lamella.figures.published import thumbnail, unit_page
from lamella.store.facts import Atlas, LayerFacts

AGAINST = "Strong where this unit is weak."


def figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """What the page of one unit shows; () leaves the section out."""
    found = neighbours(facts, channel)
    return () if found is None else tuple(_galleries(facts, found))


def _galleries(facts: LayerFacts, found: Neighbours) -> Iterator[Gallery]:
    """The units correlated with one, those that answer where it does not, those near it."""
    atlas, inside = facts.atlas, facts.layer.channels
    for title, listed, units, own in (
        ("In its own layer", found.own, inside - 1, True),
        ("In other layers", found.other, len(atlas.units) - inside, False),
    ):
        least = by_chance(units)
        tiles = _tiles(atlas, [each for each in listed if each.correlation >= least], own=own)
        if tiles or units > 0:
            note = "" if tiles else f"None above {least:.2f}, what chance may reach."
            yield Gallery(title, tiles, note=note, size="small")
    against = [each for each in found.least if each.correlation <= NOTABLE]
    if against:
        yield Gallery("Against it", _tiles(atlas, against), note=AGAINST, size="small")
    on_map = tuple(
        Tile(thumbnail(atlas, unit), str(unit), link=unit_page(atlas, unit))
        for unit in found.on_map
    )
    if on_map:
        yield Gallery("On the map", on_map, size="small")


def _tiles(atlas: Atlas, listed: Sequence[Correlated], *, own: bool = False) -> tuple[Tile, ...]:
    """Correlated units, each a link to its page; those of the `own` layer by their channel."""
    return tuple(
        Tile(
            thumbnail(atlas, each.unit),
            f"channel {each.unit.channel}" if own else str(each.unit),
            f"{each.correlation:.2f}".replace("-", "−"),
            link=unit_page(atlas, each.unit),
        )
        for each in listed
    )
