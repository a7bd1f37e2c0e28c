"""What the store holds of the embedding: maps of all units, and for each some other ones.

Flow: compute -> store -> **stored** -> view.
"""

from __future__ import annotations

from dataclasses import dataclass

from lamella.network.units import Unit
from lamella.store.facts import LayerFacts

PANEL = "embedding"
LISTS = ("own", "other", "least")  # of units: the most correlated ones, and the least


@dataclass(frozen=True, slots=True)
class Correlated:
    """A unit, and the correlation of its profile with that of another one, -1 to 1."""

    unit: Unit
    correlation: float


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The units around one.

    Attributes:
        own, other: the most correlated ones of its own layer and of others, best first.
        least: the least correlated ones, the lowest first.
        on_map: the nearest ones on the UMAP plane.
    """

    own: tuple[Correlated, ...]
    other: tuple[Correlated, ...]
    least: tuple[Correlated, ...]
    on_map: tuple[Unit, ...]


def neighbours(facts: LayerFacts, channel: int) -> Neighbours | None:
    """The units around one; None before they are known, and where its profile is zero."""
    atlas = facts.atlas
    stored = atlas.of_units(PANEL)
    row = atlas.offsets[facts.layer.name] + channel
    if stored is None or not stored.present[row] or not stored["placed"][row]:
        return None
    own, other, least = (
        tuple(
            Correlated(atlas.units[at], correlation)
            for at, correlation in zip(
                stored[f"{name}_unit"][row].tolist(),
                stored[f"{name}_correlation"][row].tolist(),
                strict=True,
            )
            if at >= 0
        )
        for name in LISTS
    )
    near = tuple(atlas.units[at] for at in stored["on_map"][row].tolist() if at >= 0)
    return Neighbours(own, other, least, near)
