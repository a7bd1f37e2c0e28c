"""What a unit's page shows: a row for each example, with the numbers behind its maps.

Flow: store -> facts -> **attribution_tiles** -> figures. Imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.unit_attribution.masks import side_of_mask
from lamella.figures import Figure, Gallery, Picture, Reading, Tile, short
from lamella.figures.heat import reading
from lamella.figures.patches import cut_out
from lamella.figures.published import unit_picture
from lamella.network.units import Box
from lamella.store.facts import LayerFacts, PanelFacts

SHEET = "unit-attribution"  # beside other panels' pictures of the unit
COLUMNS = 3  # of the sheet: guided gradient, map under masks, what lies over the patch
LOST, GUIDED = 0, 1  # of the stored maps
FINE = 28  # numbers along the square picture of a patch that is none
PARTS = (("upper", "middle", "lower"), ("left", "centre", "right"))

Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shown:
    """One example, as the store has it.

    Attributes:
        place: of all examples of the unit.
        box: the part of the image that the unit sees.
        what: the image's label, or "photograph".
        activation: as the survey saw it.
        before: the value that masks lower; see `occluding.explained`.
        lost: what each mask takes of it, (row, column) of the masks' grid over the box.
        guided: the guided gradient under each mask, as a share of the largest, on the same grid.
        agreement: the rank correlation of the two; NaN where one of them is level.
        marks: how much of the box both mark, only guided backpropagation does, only masks do.
    """

    place: int
    box: Box
    what: str
    activation: float
    before: float
    lost: Maps
    guided: Maps
    agreement: float
    marks: tuple[float, float, float]


def rows(facts: LayerFacts, own: PanelFacts, stored: Picture, channel: int) -> tuple[Figure, ...]:
    """A gallery for each example that is known, and a word on the masks.

    Args:
        stored: the unit's sheet.
    """
    patches = unit_picture(facts, "dataset_examples", "patches", channel, "")
    beside = facts.of("dataset_examples").sheets.get("patches")
    tall = own.sheets[SHEET].rows
    capped = facts.layer.activation == "relu6"
    found: list[Figure] = []
    for place, before in enumerate(own["before"][channel].tolist()):
        if math.isnan(before):  # no more excite it, or it could not be read any more
            continue
        one = _shown(facts, own, channel, place)
        first = COLUMNS * place
        sheet = replace(stored, columns=COLUMNS, rows=tall)
        tiles = [_guided(one, replace(sheet, cell=first))]
        tiles.append(_masked(one, replace(sheet, cell=first + 1), capped))
        if patches is not None and beside is not None:
            patch = cut_out(patches, beside, place, one.what, one.activation, one.box)
            tiles.insert(0, Tile(patch, short(one.activation), one.what))
            tiles.append(_compared(one, replace(patch, over=replace(sheet, cell=first + 2))))
        found.append(Gallery("", tuple(tiles), size="maps"))
    if found:
        found.append(Gallery("", (), note=_note(facts, own, channel), size="maps"))
    return tuple(found)


def _shown(facts: LayerFacts, own: PanelFacts, channel: int, place: int) -> Shown:
    survey = facts.of("survey")
    image, row, column = (
        int(survey[f"top_{name}"][channel, place]) for name in ("image", "row", "column")
    )
    before = float(own["before"][channel, place])
    maps = own["maps"][channel, place].astype(np.float32)
    both, guided, masks = own["marks"][channel, place].tolist()
    return Shown(
        place=place,
        box=facts.layer.box(row, column, *facts.network.size),
        what=facts.manifest.photographs[image].label or "photograph",
        activation=float(survey["top_activation"][channel, place]),
        before=before,
        lost=_known(maps[LOST]) * before,
        guided=_known(maps[GUIDED]),
        agreement=float(own["agreement"][channel, place]),
        marks=(both, guided, masks),
    )


def _guided(one: Shown, cell: Picture) -> Tile:
    """What the gradient says."""
    where = (
        f"strongest in the {_part(one.guided)}" if one.guided.max() > 0 else "nothing comes back"
    )
    alt = f"Guided backprop from example {one.place + 1} ({one.what}): {where}"
    numbers = _reading(one.guided, one.box, "{} of the strongest place")
    return Tile(replace(cell, alt=alt, reading=numbers), "Guided backprop")


def _masked(one: Shown, cell: Picture, capped: bool) -> Tile:
    """What masks take away.

    Args:
        capped: whether the value is the one before a ReLU6.
    """
    of = f"of {short(one.before)}" + (" before its ReLU6" if capped else "")
    most = float(one.lost.max())
    loss = f"{short(most)} {of}, in the {_part(one.lost)}" if most > 0 else f"nothing {of}"
    alt = f"Occlusion of example {one.place + 1} ({one.what}): the unit loses at most {loss}"
    numbers = _reading(one.lost, one.box, f"{{}} {of} lost")
    said = f"at most \u2212{short(most)} {of}" if most > 0 else f"never less, {of}"
    return Tile(replace(cell, alt=alt, reading=numbers), "Occlusion", said)


def _compared(one: Shown, patch: Picture) -> Tile:
    """The patch, with what both mark."""
    both, guided, masks = (f"{share:.0%}" for share in one.marks)
    alt = (
        f"Example {one.place + 1} ({one.what}): both mark {both} of the patch, guided backprop "
        f"alone {guided}, occlusion alone {masks}"
    )
    level = math.isnan(one.agreement)
    said = "one of them is level" if level else f"agreement {one.agreement:.2f}"
    return Tile(replace(patch, alt=alt), "Both", said.replace("-", "\u2212"))


def _note(facts: LayerFacts, own: PanelFacts, channel: int) -> str:
    """How large the masks are."""
    cells, share = own["maps"].shape[-1], float(own.made["mask"])
    height, width = facts.network.size
    field = facts.layer.field
    if own["whole"][channel].any() or field is None:
        size, over = max(height, width), "the whole photograph, since the unit sees much of it"
    else:
        size, over = field.size, "what the unit sees"
    side, number = side_of_mask(size, cells, share), min(cells, size)
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


def _known(grid: Maps) -> Maps:
    """The cells that there are: small patches have fewer."""
    known = np.isfinite(grid)
    return grid[known.any(axis=1)][:, known.any(axis=0)]


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
