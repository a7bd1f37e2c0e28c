"""The sections of a unit's weights, and of the kernels of a first layer.

Flow: stored -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable

from lamella.analyses.weights import stored
from lamella.figures import Figure, Gallery, Tile
from lamella.figures.published import thumbnail, unit_page
from lamella.network.units import Unit
from lamella.store.facts import LayerFacts

COLOURS = (
    "Red, green and blue weights as a colour: middle grey is zero, brighter positive, darker "
    "negative; full colour at ±{:.2g}, the same for the whole layer."
)


def unit_figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """The kernel of a unit, or its strongest inputs; () where nothing was stored."""
    limit = stored.limit(facts, channel)
    if limit is None:
        return ()
    if stored.in_colour(facts):
        return (Gallery("Its kernel", _kernels(facts, (channel,)), COLOURS.format(limit)),)
    note = f"Kernels: red is positive, blue negative, white zero; full colour at ±{limit:.2g}."
    galleries: list[Gallery] = []
    titles = "Excited most by", "Inhibited most by"
    for title, inputs in zip(titles, stored.inputs(facts, channel), strict=True):
        if inputs:
            tiles = tuple(_input(facts, each) for each in inputs)
            galleries.append(Gallery(title, tiles, "" if galleries else note, "small"))
    return tuple(galleries)


def layer_figures(facts: LayerFacts) -> tuple[Figure, ...]:
    """All kernels of a layer that reads the image; () for others."""
    if not stored.in_colour(facts):
        return ()
    tiles = _kernels(facts, range(facts.layer.channels))
    limit = float(facts.of(stored.PANEL)[stored.LIMIT].max())
    return (Gallery("All kernels", tiles, COLOURS.format(limit), "small"),)


def _kernels(facts: LayerFacts, channels: Iterable[int]) -> tuple[Tile, ...]:
    """First-layer kernels, each linked to its unit; without those that were not stored."""
    return tuple(
        Tile(kernel, str(channel), link=unit_page(facts.atlas, Unit(facts.layer.name, channel)))
        for channel in channels
        if (kernel := stored.kernel(facts, channel))
    )


def _input(facts: LayerFacts, one: stored.Input) -> Tile:
    """One of the inputs: whose channel it is, and the kernel that reads it."""
    others = len(one.units) - 1
    caption = f"{one.name} and {others} more" if others > 0 else one.name
    sub = f"{one.total:+.2g}"
    in_atlas = [unit for unit in one.units if unit.layer in facts.atlas.offsets]
    if not in_atlas:
        return Tile(one.kernel, caption, sub)
    return Tile(
        thumbnail(facts.atlas, in_atlas[0]),
        caption,
        sub,
        link=unit_page(facts.atlas, in_atlas[0]),
        beside=one.kernel,
    )
