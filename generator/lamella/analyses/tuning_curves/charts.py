"""The tuning of one unit as small charts.

Flow: stored -> unit -> **charts** -> site. Only families that lift the unit by a tenth of what
photographs do get a chart: noise around zero would look like a preference. Imports no torch.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lamella.analyses.tuning_curves.colours import NAMED
from lamella.analyses.tuning_curves.families import families
from lamella.analyses.tuning_curves.family import Axis
from lamella.analyses.tuning_curves.stored import DRIVERS, PANEL, layer_tuning
from lamella.analyses.tuning_curves.unit import UnitTuning
from lamella.figures import Figure, Gallery, Lines, Mark, Series, short
from lamella.store.facts import LayerFacts

APART = 2  # steps between the period that a unit prefers and those shown beside it

STRIPES = tuple(
    Mark(label, at)
    for label, at in (("0° –", 0), ("45° /", 45), ("90° |", 90), ("135° \\", 135), ("180° –", 180))
)
BULGES = tuple(
    Mark(label, at)
    for label, at in (("0° )", 0), ("90° ∩", 90), ("180° (", 180), ("270° ∪", 270), ("360° )", 360))
)
WHEEL = (*(Mark(name, at) for at, name in NAMED.items()), Mark("red", 360))


def unit_figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """The numbers of a unit, and a chart for each family that drives it."""
    if not facts.of(PANEL).present[channel]:
        return ()
    unit = UnitTuning(facts, layer_tuning(facts), families(facts.network.size), channel)
    driving = [name for name in DRIVERS if unit.drives(name)]
    if not driving:
        return (Gallery("", (), note=unit.undriven()),)
    charts = [chart for name in driving for chart in CHARTS[name](unit)]
    return (unit.numbers(driving), *charts)


def gratings(unit: UnitTuning) -> list[Lines]:
    """Over orientation, at three periods; over the period, along and across."""
    periods, orientations = unit.families["gratings"].kept
    values, (period, orientation) = unit.responses("gratings"), unit.at("gratings")
    shown = [p for p in (period, period - APART, period + APART) if 0 <= p < len(values)]
    across = (orientation + len(orientations.values) // 2) % len(orientations.values)
    peak = short(unit.strongest("gratings"))
    turn = Lines(
        "Orientation of a grating",
        _closed(orientations, 180),
        (
            *(Series(f"period {periods.said(p)}", _round(values[p])) for p in shown),
            unit.plain(0, 180),
        ),
        f"Response over the orientation of gratings; the largest, {peak}, at "
        f"{orientations.said(orientation)}.",
        "orientation of the stripes",
        "activation",
        ticks=STRIPES,
    )
    width = Lines(
        "Period of a grating",
        (),
        (
            *(
                Series(orientations.said(o), tuple(values[:, o].tolist()))
                for o in (orientation, across)
            ),
            unit.plain(0, len(periods.values) - 1),
        ),
        f"Response over the period of gratings; the largest, {peak}, at {periods.said(period)}.",
        "period in pixels",
        "activation",
        names=periods.marks(),
    )
    return [turn, width]


def curves(unit: UnitTuning) -> list[Lines]:
    """Over the direction in which a curve bulges, at some radii, and for the straight line."""
    kinds, radii, orientations = unit.families["curves"].kept
    kind, radius, orientation = unit.at("curves")
    values = unit.responses("curves")[kind]
    last = len(values) - 1
    shown = [r for r in (radius, radius - 1, radius + 1) if 0 <= r < last]
    series = [Series(f"radius {radii.said(r)}", _round(values[r])) for r in shown]
    series.append(Series("straight line", _round(values[last])))
    return [
        Lines(
            f"Curves: {kinds.said(kind)}",
            _closed(orientations, 360),
            (*series, unit.plain(0, 360)),
            f"Response over the direction in which curves bulge; the largest, "
            f"{short(unit.strongest('curves'))}, at {orientations.said(orientation)}, "
            f"{radii.said(radius)}.",
            "direction of the bulge",
            "activation",
            ticks=BULGES,
        )
    ]


def hues(unit: UnitTuning) -> list[Lines]:
    """Over hue: of the whole image, and of a disc."""
    (axis,) = unit.families["hues"].kept
    colours, radii = unit.families["discs"].kept
    values = unit.responses("hues")
    discs = unit.responses("discs")[len(colours.values) - len(NAMED) :]
    size = int(discs.max(axis=0).argmax())
    of_disc = discs[:, size].tolist()
    return [
        Lines(
            "Hue",
            _closed(axis, 360),
            (
                Series("whole image", _round(values)),
                Series(
                    f"disc, radius {radii.said(size)}",
                    (*of_disc, of_disc[0]),
                    (*map(float, NAMED), 360.0),
                ),
                unit.plain(0, 360),
            ),
            f"Response over hue; the largest, {short(unit.strongest('hues'))}, at "
            f"{axis.said(unit.at('hues')[0])}.",
            "",
            "activation",
            ticks=WHEEL,
        )
    ]


def discs(unit: UnitTuning) -> list[Lines]:
    """Over the radius of a disc: white, black, and the best colour."""
    colours, radii = unit.families["discs"].kept
    values = unit.responses("discs")
    first = len(colours.values) - len(NAMED)
    best = first + int(values[first:].max(axis=1).argmax())
    colour, radius = unit.at("discs")
    return [
        Lines(
            "Radius of a disc",
            (),
            (
                *(Series(colours.said(c), tuple(values[c].tolist())) for c in (0, 1, best)),
                unit.plain(0, len(radii.values) - 1),
            ),
            f"Response over the radius of discs; the largest, {short(unit.strongest('discs'))}, "
            f"to {colours.said(colour)} at {radii.said(radius)}.",
            "radius in pixels",
            "activation",
            names=radii.marks(),
        )
    ]


CHARTS = {"gratings": gratings, "curves": curves, "hues": hues, "discs": discs}


@lru_cache(maxsize=16)
def _closed(axis: Axis, turn: float) -> tuple[float, ...]:
    """The angles of an axis, and the first once more, a whole turn on."""
    return (*axis.values, turn)


def _round(values: np.ndarray) -> tuple[float, ...]:
    """Responses around a circle: the first comes back at the end."""
    found = values.tolist()
    return (*found, found[0])
