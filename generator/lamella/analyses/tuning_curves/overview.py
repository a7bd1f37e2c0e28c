"""How many units of a layer are tuned, to what, and how that changes along the network.

Flow: stored -> **overview** -> site. Imports no torch.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.tuning_curves.families import families
from lamella.analyses.tuning_curves.preferences import BEND, SELECTIVE, LayerTuning
from lamella.analyses.tuning_curves.stored import PANEL, driven_by_stimuli, layer_tuning
from lamella.figures import Figure, Gallery, Histogram, Lines, Series, Table, Tile
from lamella.figures.published import thumbnail, unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas, LayerFacts

CLAIMS = (
    f"Selective: {SELECTIVE} or more, and the family lifts the unit at least half as far above its "
    "response to plain grey as the best of all stimuli does."
)
KINDS = ("orientation of gratings", "direction of curves", "hue", "suppressed by a surround")


def _flags(own: LayerTuning) -> tuple[NDArray[np.bool_], ...]:
    """Which units are tuned, for each of `KINDS`."""
    return own.oriented, own.curved, own.coloured, own.surrounded


def layer_figures(facts: LayerFacts) -> tuple[Figure, ...]:
    """How many units are tuned to what; the most selective one for each angle."""
    present = facts.of(PANEL).present
    if not present.any():
        return ()
    own, units = layer_tuning(facts), int(present.sum())
    driven = driven_by_stimuli(facts) & present
    rows = [("Any stimulus drives it", *_count(int(driven.sum()), units))]
    flags = [each & driven for each in _flags(own)]
    words = (
        "Selective for the orientation of gratings",
        "Selective for the direction of curves",
        "Selective for a hue",
        "Suppressed by a disc's surround",
    )
    for word, each in zip(words, flags, strict=True):
        rows.append((word, *_count(int(each.sum()), units)))
    table = Table(
        "What the units are tuned to",
        tuple(rows),
        head=("", "units", "share"),
        note="Driven: a stimulus lifts it above its response to plain grey by a tenth of what "
        f"photographs do. {CLAIMS} For curves, the best one must also excite it more than the best "
        f"straight line, by a contrast of {BEND}. Suppressed: the largest disc lifts it less than "
        "half as far as the best.",
    )
    oriented, curved, coloured, _ = flags
    found: list[Figure] = [table, *_orientations(facts, own, oriented)]
    places = (
        ("gratings", oriented, own.orientation, "Most selective for each orientation of stripes"),
        ("curves", curved, own.curve, "Most selective for each direction of a curve's bulge"),
        ("hues", coloured, own.hue, "Most selective for each hue"),
    )
    for family, chosen, index, title in places:
        tiles = tuple(_best(facts, own, family, chosen, index))
        if tiles:
            found.append(Gallery(title, tiles, "In brackets, the selectivity.", "small"))
    return tuple(found)


def _count(number: int, of: int) -> tuple[str, str]:
    return str(number), f"{number / of:.0%}".replace("%", " %") if of else "-"


def _orientations(
    facts: LayerFacts, own: LayerTuning, oriented: NDArray[np.bool_]
) -> tuple[Histogram, ...]:
    """How many selective units prefer each orientation."""
    if not oriented.any():
        return ()
    angles = families(facts.network.size)["gratings"].kept[-1].values
    step = angles[1] - angles[0]
    counts = np.bincount(own.peak["gratings"][oriented, -1], minlength=len(angles)).tolist()
    edges = tuple(angle - step / 2 for angle in (*angles, angles[-1] + step))
    most = angles[int(np.argmax(counts))]
    return (
        Histogram(
            "Preferred orientations of stripes",
            edges,
            tuple(counts),
            f"How many of the {sum(counts)} units that are selective for orientation prefer each; "
            f"most, {max(counts)}, prefer {most:g}°.",
            "degrees: 0 level, 90 upright",
            log=False,
        ),
    )


def _best(
    facts: LayerFacts,
    own: LayerTuning,
    family: str,
    chosen: NDArray[np.bool_],
    index: NDArray[np.float64],
) -> Iterator[Tile]:
    """For each angle that some chosen unit prefers, the most selective of these."""
    axis = families(facts.network.size)[family].kept[-1]
    prefers = own.peak[family][:, -1]
    for place in range(len(axis.values)):
        units = np.flatnonzero(chosen & (prefers == place))
        if units.size:
            unit = Unit(facts.layer.name, int(units[index[units].argmax()]))
            picture, page = thumbnail(facts.atlas, unit), unit_page(facts.atlas, unit)
            detail = f"{unit.channel} ({index[unit.channel]:.2f})"
            yield Tile(picture, axis.said(place), detail, page)


def network_figures(atlas: Atlas) -> tuple[Figure, ...]:
    """The share of tuned units, layer by layer; nothing before there are responses."""
    shares: list[tuple[float, ...]] = []
    for facts in atlas.layers():
        present = facts.of(PANEL).present
        if present.any():
            shares.append(tuple(float(f[present].mean()) for f in _flags(layer_tuning(facts))))
        else:
            shares.append((math.nan,) * len(KINDS))
    if all(math.isnan(each[0]) for each in shares):
        return ()
    series = tuple(
        Series(name, tuple(each[at] for each in shares)) for at, name in enumerate(KINDS)
    )
    return (
        Lines(
            "Units that are tuned, layer by layer",
            (),
            series,
            "Along the depth of the network: the share of units that are selective for the "
            "orientation of gratings, for the direction of curves, for a hue, and of those that "
            "a large disc excites less than a smaller one.",
            "layer",
            "share of units",
            names=tuple(layer.name for layer in atlas.network.layers),
            note=f"{CLAIMS} Suppressed: the largest disc lifts the unit less than half as far "
            f"as the best. Whether a stimulus excites a unit as photographs do is not asked here, "
            "but on the pages of the layers.",
        ),
    )
