"""What a unit's page shows: a row for each example, with the numbers behind its maps.

Flow: stored -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from lamella.analyses.unit_attribution.masks import side_of_mask
from lamella.analyses.unit_attribution.stored import (
    COLUMNS,
    ExampleAttribution,
    Maps,
    UnitAttributions,
    attributions,
)
from lamella.figures import Figure, Gallery, Picture, Reading, Tile, short
from lamella.figures.heat import reading
from lamella.figures.patches import cut_out
from lamella.figures.published import patch_sheet
from lamella.network.units import Box
from lamella.store.facts import LayerFacts

FINE = 28  # numbers along the square picture of a patch that is none
PARTS = (("upper", "middle", "lower"), ("left", "centre", "right"))


def figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """A gallery for each example that is known, and a word on the masks."""
    unit = None if facts.silent(channel) else attributions(facts, channel)
    if unit is None:
        return ()
    patches = patch_sheet(facts, channel)
    capped = facts.layer.activation == "relu6"
    found: list[Figure] = []
    for one in unit.examples:
        first = COLUMNS * one.place
        tiles = [_guided(one, replace(unit.sheet, cell=first))]
        tiles.append(_masked(one, replace(unit.sheet, cell=first + 1), capped))
        if patches is not None:
            patch = cut_out(*patches, one.place, one.what, one.activation, one.box)
            tiles.insert(0, Tile(patch, short(one.activation), one.what))
            over = replace(unit.sheet, cell=first + 2)
            tiles.append(_both(one, replace(patch, over=over)))
        found.append(Gallery("", tuple(tiles), size="maps"))
    if found:
        found.append(Gallery("", (), note=_note(facts, unit), size="maps"))
    return tuple(found)


def _guided(one: ExampleAttribution, cell: Picture) -> Tile:
    """What the gradient says."""
    where = (
        f"strongest in the {_part(one.guided)}" if one.guided.max() > 0 else "nothing comes back"
    )
    alt = f"Guided backprop from example {one.place + 1} ({one.what}): {where}"
    numbers = _reading(one.guided, one.box, "{} of the strongest place")
    return Tile(replace(cell, alt=alt, reading=numbers), "Guided backprop")


def _masked(one: ExampleAttribution, cell: Picture, capped: bool) -> Tile:
    """What masks take away.

    Args:
        capped: whether the value is the one before a ReLU6.
    """
    of = f"of {short(one.before)}" + (" before its ReLU6" if capped else "")
    most = float(one.lost.max())
    loss = f"{short(most)} {of}, in the {_part(one.lost)}" if most > 0 else f"nothing {of}"
    alt = f"Occlusion of example {one.place + 1} ({one.what}): the unit loses at most {loss}"
    numbers = _reading(one.lost, one.box, f"{{}} {of} lost")
    detail = f"at most \u2212{short(most)} {of}" if most > 0 else f"never less, {of}"
    return Tile(replace(cell, alt=alt, reading=numbers), "Occlusion", detail)


def _both(one: ExampleAttribution, patch: Picture) -> Tile:
    """The patch, with what both mark."""
    both, guided, masks = (f"{share:.0%}" for share in one.marks)
    alt = (
        f"Example {one.place + 1} ({one.what}): both mark {both} of the patch, guided backprop "
        f"alone {guided}, occlusion alone {masks}"
    )
    level = math.isnan(one.agreement)
    detail = "one of them is level" if level else f"agreement {one.agreement:.2f}"
    return Tile(replace(patch, alt=alt), "Both", detail.replace("-", "\u2212"))


def _note(facts: LayerFacts, unit: UnitAttributions) -> str:
    """How large the masks are."""
    cells = unit.cells
    height, width = facts.network.size
    field = facts.layer.field
    if unit.whole or field is None:
        size, over = max(height, width), "the whole photograph, since the unit sees much of it"
    else:
        size, over = field.size, "what the unit sees"
    side, number = side_of_mask(size, cells, unit.mask), min(cells, size)
    return (
        f"Masks of {side} × {side} pixels, {number} × {number} of them over {over}. Each map has "
        "its own scale: guided backprop has full colours from its 99.5th percentile on, occlusion "
        "at its largest change, half of which the line marks. Point at one to read its numbers. "
        "Agreement is the rank correlation of the two maps, place by place under the same masks."
    )


def _part(values: Maps) -> str:
    """Where a map is largest, in words."""
    at = np.unravel_index(int(values.argmax()), values.shape)
    down, across = (
        names[min(2, 3 * int(place) // extent)]
        for names, place, extent in zip(PARTS, at, values.shape, strict=True)
    )
    return "middle" if (down, across) == ("middle", "centre") else f"{down} {across}"


def _reading(grid: Maps, box: Box, words: str) -> Reading:
    """The numbers of a patch on the square in whose middle it is drawn; none beside it."""
    if box.width == box.height:
        return reading(grid, words, signed=True)
    square = np.full((FINE, FINE), np.nan, np.float32)
    middles, size = (np.arange(FINE) + 0.5) / FINE - 0.5, max(box.width, box.height)
    shares = [middles * size / extent + 0.5 for extent in (box.height, box.width)]
    rows, columns = ((share >= 0) & (share < 1) for share in shares)
    down, across = (
        (share * number).astype(np.int64) for share, number in zip(shares, grid.shape, strict=True)
    )
    square[np.ix_(rows, columns)] = grid[np.ix_(down[rows], across[columns])]
    return reading(square, words, signed=True)
