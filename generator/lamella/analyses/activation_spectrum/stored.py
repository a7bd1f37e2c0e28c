"""What the store holds of a unit's spectrum: its sheet; and which photographs stand for the unit.

Flow: survey -> **stored** -> compute, view. The strongest examples alone make every unit look as if
it answered to one thing (Borowski et al. 2021, arXiv:2010.12606, and the spectra of Cammarata et
al. 2020, "Curve Detectors", doi:10.23915/distill.00024.003): what excites it half as much often
shows another.

A spectrum has a band of the strongest photographs, those of `survey/bins.py`, one of the weakest
and, where a layer is signed, one of those on which the unit is most negative.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.figures import Picture
from lamella.figures.published import patches_shown, unit_picture
from lamella.network.units import Layer
from lamella.store.facts import LayerFacts
from lamella.store.gathering import PanelFacts
from lamella.survey.bins import BANDS, PER_BAND

PANEL = "activation_spectrum"
MAPS, PATCHES = "spectrum-maps", "spectrum-patches"  # beside other panels' pictures of the unit
COLUMNS = 2 * PER_BAND  # of a sheet of maps: heat, then shade
WEAKEST, NEGATIVE = 1 + len(BANDS), 2 + len(BANDS)


@dataclass(frozen=True, slots=True)
class Example:
    """A photograph that stands for a unit.

    Attributes:
        place: of the band's four.
        image: its number.
        activation: of the unit at `row` and `column`: its peak there, or its most negative value.
        share: of the photographs, how many have a lower peak; NaN where that is not known.
    """

    place: int
    image: int
    activation: float
    row: int
    column: int
    share: float = math.nan


@dataclass(frozen=True, slots=True)
class UnitSheet:
    """What is published of a unit's photographs: maps over them, or its patches of them.

    Attributes:
        picture: the whole sheet.
        rows: of the sheet, one for each band.
        known: which of the photographs could be read, `(band * PER_BAND,)`.
        above: the share of each that lies above the unit's threshold; None with patches.
    """

    picture: Picture
    rows: int
    known: NDArray[np.bool_]
    above: NDArray[np.float32] | None


def unit_sheet(facts: LayerFacts, channel: int) -> UnitSheet | None:
    """The sheet of a unit as it is published; None where there is none."""
    own = facts.of(PANEL)
    if not own.present[channel] or not patches_shown(facts):
        return None
    whole = facts.atlas.publish == "whole"
    name = MAPS if whole else PATCHES
    picture = unit_picture(facts, PANEL, name, channel, "")
    if picture is None:
        return None
    above = own["above"][channel] if whole else None
    known = own["known"][channel] > 0 if above is None else ~np.isnan(above)
    return UnitSheet(picture, own.sheets[name].rows, known, above)


def bands(layer: Layer) -> int:
    """How many bands the units of a layer have: signed ones a last one, of negative values."""
    return (NEGATIVE if layer.signed else WEAKEST) + 1


def scale_of(survey: PanelFacts, layer: Layer, channel: int) -> float:
    """The activation that is drawn at full strength: the unit's largest, of either sign."""
    maximum = float(survey["maximum"][channel])
    if layer.signed and "lowest_activation" in survey.numbers:
        lowest = survey["lowest_activation"][channel, survey["lowest_image"][channel] >= 0]
        return max(maximum, float(-lowest.min())) if lowest.size else maximum
    return maximum


def images_of(survey: PanelFacts, layer: Layer, photographs: int) -> NDArray[np.int64]:
    """The numbers of the examples of all units, `(unit, band * PER_BAND)`; -1 for none."""
    found = np.full((layer.channels, bands(layer) * PER_BAND), -1, np.int64)
    for channel in np.flatnonzero(survey.present):
        for band, shown in enumerate(examples(survey, layer, int(channel), photographs)):
            for example in shown:
                found[channel, band * PER_BAND + example.place] = example.image
    return found


def examples(
    survey: PanelFacts, layer: Layer, channel: int, photographs: int
) -> tuple[tuple[Example, ...], ...]:
    """The photographs of each band of a unit, strongest first; () where there are none.

    From the strongest to the weakest each stands once, in the first band that names it: of few
    photographs, the weakest are among the strongest.

    Args:
        photographs: how many were surveyed.
    """
    found = [_strongest(survey, layer, channel, photographs)]
    for band in range(len(BANDS)):
        shares = survey["spectrum_rank"][channel, band].tolist()
        found.append([Example(*e, shares[e[0]]) for e in _read(survey, "spectrum", channel, band)])
    values, number = survey["bottom_activation"][channel], max(1, photographs)
    found.append(
        [Example(*e, int((values < e[2]).sum()) / number) for e in _read(survey, "bottom", channel)]
    )
    seen: set[int] = set()
    for at, shown in enumerate(found):
        found[at] = [example for example in shown if example.image not in seen]
        seen.update(example.image for example in shown)
    if layer.signed:
        listed = _read(survey, "lowest", channel) if "lowest_image" in survey.numbers else ()
        found.append([Example(*e) for e in listed if e[2] < 0])
    return tuple(map(tuple, found))


def _strongest(survey: PanelFacts, layer: Layer, channel: int, photographs: int) -> list[Example]:
    """Those with the largest peaks, each with the share of photographs whose peak is lower.

    The share is not known where the survey's list ends in equals: there may be more of them.
    """
    listed = survey["top_activation"][channel, survey["top_image"][channel] >= 0]
    found = []
    for example in _read(survey, "top", channel):
        if layer.signed or example[2] > 0:
            level = int((listed >= example[2]).sum())
            known = level < len(listed) or level == photographs
            share = 1 - level / max(1, photographs) if known else math.nan
            found.append(Example(*example, share))
    return found


def _read(
    survey: PanelFacts, name: str, channel: int, *index: int
) -> Iterator[tuple[int, int, float, int, int]]:
    """The first examples that the survey lists under a name: place, image, activation, where."""
    columns = (
        survey[f"{name}_{what}"][channel, *index][:PER_BAND].tolist()
        for what in ("image", "activation", "row", "column")
    )
    for place, (image, activation, row, column) in enumerate(zip(*columns, strict=True)):
        if image >= 0:
            yield place, image, activation, row, column
