"""What was stored of a unit's dataset examples: its strongest photographs and their patches.

Flow: store -> **stored** -> view, and the analyses that show a unit's examples too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.figures import Picture, links, published
from lamella.figures.patches import cut_out, visible
from lamella.figures.published import patches_shown, unit_picture
from lamella.store.facts import EXAMPLES, LayerFacts

PANEL, PATCHES = published.PATCHES
DISTINCT = "distinct"  # the other stored sheet: one patch per label
LISTS = {"top": "survey", "distinct": "labels"}  # where the survey lists places


@dataclass(frozen=True, slots=True)
class Example:
    """One photograph that excites a unit.

    Attributes:
        activation: the largest in it.
        label: of the photograph; "" for none.
        patch: what the unit sees of it.
        whole: all of it, the patch outlined; None where whole photographs stay private.
    """

    activation: float
    label: str
    patch: Picture
    whole: Picture | None


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples of a unit, strongest first.

    Attributes:
        distinct: whether they are the strongest of each label, in place of the strongest.
    """

    shown: tuple[Example, ...]
    distinct: bool


def examples(facts: LayerFacts, channel: int) -> Examples | None:
    """The examples of a unit as they are published; None where they are not there."""
    name, listed = _shown(facts)
    sheet = unit_picture(facts, PANEL, name, channel, "")
    if sheet is None or not patches_shown(facts):
        return None
    cells = facts.of(PANEL).sheets[name]
    survey = facts.of(LISTS[listed])
    height, width = facts.network.size
    shown = []
    keys = (f"{listed}_{what}" for what in ("image", "activation", "row", "column"))
    found = zip(*(survey[key][channel, :EXAMPLES].tolist() for key in keys), strict=True)
    for place, (image, activation, row, column) in enumerate(found):
        if image < 0 or (activation <= 0 and not facts.layer.signed):
            break
        label = facts.manifest.photographs[image].label
        box = facts.layer.box(row, column, height, width)
        what = label or "photograph"
        patch = cut_out(sheet, cells, place, what, activation, box)
        whole = None
        if facts.atlas.publish == "whole":
            whole = Picture(
                links.photograph(facts.network.name, image),
                f"The whole photograph ({what}), patch outlined",
                width,
                height,
                outline=visible(box, height, width),
            )
        shown.append(Example(activation, label, patch, whole))
    return Examples(tuple(shown), name == DISTINCT)


def _shown(facts: LayerFacts) -> tuple[str, str]:
    """The sheet that is shown of a layer's units, and the survey's list that it follows: one patch
    per label where that was asked for, else simply the strongest."""
    return (DISTINCT, "distinct") if DISTINCT in facts.of(PANEL).sheets else (PATCHES, "top")


def number_of_examples(facts: LayerFacts) -> NDArray[np.float64]:
    """How many examples each unit of a layer has; NaN where they are not there."""
    name, listed = _shown(facts)
    channels = facts.layer.channels
    known = [unit_picture(facts, PANEL, name, at, "") is not None for at in range(channels)]
    if not patches_shown(facts) or not any(known):
        return np.full(channels, np.nan)
    survey = facts.of(LISTS[listed])
    image, activation = (
        survey[f"{listed}_{what}"][:, :EXAMPLES] for what in ("image", "activation")
    )
    fits = (image >= 0) & ((activation > 0) | facts.layer.signed)
    return np.where(known, np.logical_and.accumulate(fits, axis=1).sum(axis=1), np.nan)
