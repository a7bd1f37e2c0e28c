"""What the store holds of a unit's attribution: two maps of each of its examples, and their sheet.

Flow: compute -> store -> **stored** -> view. Imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamella.figures import Picture
from lamella.figures.published import patches_shown, unit_picture
from lamella.network.units import Box
from lamella.store.facts import LayerFacts, PanelFacts

PANEL = "unit_attribution"
SHEET = "unit-attribution"  # beside other panels' pictures of the unit
COLUMNS = 3  # of the sheet: guided gradient, map under masks, what lies over the patch
LOST, GUIDED = 0, 1  # of the stored maps

Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ExampleAttribution:
    """The attribution of one example.

    Attributes:
        place: of all examples of the unit.
        box: the part of the image that the unit sees.
        what: the image's label, or "photograph".
        activation: as the survey saw it.
        before: the value that masks lower; see `occlusion.attributed_address`.
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


@dataclass(frozen=True, slots=True)
class UnitAttributions:
    """The attribution of a unit's examples.

    Attributes:
        sheet: a row of `COLUMNS` cells for each of its strongest photographs.
        examples: those that excite it and could be read.
        cells: masks along each side.
        mask: the side of a mask, in cells.
        whole: whether masks lay over a whole photograph, in place of what the unit sees.
    """

    sheet: Picture
    examples: tuple[ExampleAttribution, ...]
    cells: int
    mask: float
    whole: bool


def attributions(facts: LayerFacts, channel: int) -> UnitAttributions | None:
    """The attribution of a unit's examples as it is published; None where there is none."""
    own = facts.of(PANEL)
    if not own.present[channel] or not patches_shown(facts):
        return None
    sheet = unit_picture(facts, PANEL, SHEET, channel, "")
    if sheet is None:
        return None
    return UnitAttributions(
        replace(sheet, columns=COLUMNS, rows=own.sheets[SHEET].rows),
        tuple(
            _example(facts, own, channel, place)
            for place, before in enumerate(own["before"][channel].tolist())
            if not math.isnan(before)  # no more excite it, or it could not be read any more
        ),
        own["maps"].shape[-1],
        float(own.made["mask"]),
        bool(own["whole"][channel].any()),
    )


def _example(facts: LayerFacts, own: PanelFacts, channel: int, place: int) -> ExampleAttribution:
    survey = facts.of("survey")
    image, row, column = (
        int(survey[f"top_{name}"][channel, place]) for name in ("image", "row", "column")
    )
    before = float(own["before"][channel, place])
    maps = own["maps"][channel, place].astype(np.float32)
    both, guided, masks = own["marks"][channel, place].tolist()
    return ExampleAttribution(
        place=place,
        box=facts.layer.box(row, column, *facts.network.size),
        what=facts.manifest.photographs[image].label or "photograph",
        activation=float(survey["top_activation"][channel, place]),
        before=before,
        lost=_finite(maps[LOST]) * before,
        guided=_finite(maps[GUIDED]),
        agreement=float(own["agreement"][channel, place]),
        marks=(both, guided, masks),
    )


def _finite(grid: Maps) -> Maps:
    """The cells that there are: small patches have fewer."""
    finite = np.isfinite(grid)
    return grid[finite.any(axis=1)][:, finite.any(axis=0)]
