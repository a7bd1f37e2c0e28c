"""The quality of all pictures of a layer or network in a few numbers, and what is asked of them.

Flow: stored -> **gates** -> view, overview, `lamella report`. Imports no torch.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from lamella.analyses.feature_visualization.stored import Flags, Values
from lamella.analyses.visualization_quality.stored import SCORES, Quality
from lamella.network.units import Unit

BEAT = 0.99  # of the live units beat the photographs' maximum
FIRST = 0.70  # of the network's live units rank first in their layer
FIRST_IN_LAYER = 0.50  # of every layer's


@dataclass(frozen=True, slots=True)
class Summary:
    """The pictures of one layer, or of all.

    Attributes:
        name: the layer's; "" for all of them.
        units: how many it has.
        pictures: how many have a picture.
        live: how many of these an image can change.
        dead, restarted: how many units; `restarted` is None where tries were not counted.
        grey: how many live units have a grey picture; None where that was not measured.
        silent: how many units no photograph excites.
        failed: units whose ascent failed.
        beat_maximum, beat_p999, first: shares of the live units measured; None where none was.
        over_maximum, over_p999: median strength of the live units that have one, or None.
        scores: means over the units that have one; see `Quality`.
    """

    name: str
    units: int
    pictures: int
    live: int
    dead: int
    silent: int
    grey: int | None
    restarted: int | None
    failed: tuple[Unit, ...]
    beat_maximum: float | None
    beat_p999: float | None
    first: float | None
    over_maximum: float | None
    over_p999: float | None
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Gate:
    """A demand on all pictures.

    Attributes:
        name: what is demanded, in words.
        measured: a share; None where nothing could be measured.
        threshold: what it must reach.
        met: whether it does; None where it cannot be told, as some were not measured.
        what: "units" or "layers": what was counted.
        counted, expected: how many were measured, and how many there are.
        misses: those that do not do what the gate asks.
        bounded: how many of these reach a bound that nothing exceeds; see `Quality`.
    """

    name: str
    measured: float | None
    threshold: float
    met: bool | None
    what: str
    counted: int
    expected: int
    misses: tuple[str, ...]
    bounded: int = 0


def summarised(name: str, layers: Sequence[Quality]) -> Summary:
    """The pictures of some layers, all their units pooled."""
    own = joined(layers)
    scores = {key: _middle(np.mean, values) for key, values in own.scores.items()}
    return Summary(
        name=name,
        units=own.picture.size,
        pictures=int(own.picture.sum()),
        live=int(own.live.sum()),
        dead=int(own.dead.sum()),
        silent=int(own.silent.sum()),
        grey=int((own.grey & own.live).sum()) if _seen(own).any() else None,
        restarted=int(own.restarted.sum()) if (own.tries > 0).any() else None,
        failed=_units(layers, own.failed),
        beat_maximum=_share(own.beats_maximum, own.live & own.surveyed),
        beat_p999=_share(own.beats_p999, own.live & own.surveyed),
        first=_share(own.first, _ranked(own)),
        over_maximum=_middle(np.median, own.over_maximum[own.live]),
        over_p999=_middle(np.median, own.over_p999[own.live]),
        scores={key: mean for key, mean in scores.items() if mean is not None},
    )


def gates(layers: Sequence[Quality]) -> tuple[Gate, ...]:
    """What is asked of the pictures of a network, and whether these are so."""
    own = joined(layers)
    by_layer = {each.layer: _share(each.first, _ranked(each)) for each in layers if each.live.any()}
    return (
        _beats(own, layers),
        _of_units("is not grey", 1.0, ~own.grey, _seen(own), layers),
        _of_units("ranks first in its layer", FIRST, own.first, _ranked(own), layers),
        _of_layers("ranks first, in every layer", FIRST_IN_LAYER, by_layer),
    )


def _beats(own: Quality, layers: Sequence[Quality]) -> Gate:
    measured = own.live & own.surveyed
    gate = _of_units("beats the maximum", BEAT, own.beats_maximum, measured, layers)
    bounded = _units(layers, own.bounded & measured)
    at_bound = frozenset(map(str, bounded))
    # Those that could have done better come first.
    misses = tuple(sorted(gate.misses, key=lambda name: name in at_bound))
    return replace(gate, misses=misses, bounded=len(bounded))


def _of_units(
    name: str, threshold: float, good: Flags, measured: Flags, layers: Sequence[Quality]
) -> Gate:
    share = _share(good, measured)
    counted, expected = int(measured.sum()), sum(int(each.live.sum()) for each in layers)
    return Gate(
        name=name,
        measured=share,
        threshold=threshold,
        met=_met(share, threshold, counted, expected),
        what="units",
        counted=counted,
        expected=expected,
        misses=tuple(map(str, _units(layers, measured & ~good))),
    )


def _of_layers(name: str, threshold: float, shares: Mapping[str, float | None]) -> Gate:
    known = {layer: share for layer, share in shares.items() if share is not None}
    worst = min(known.values(), default=None)
    below = sorted((share, layer) for layer, share in known.items() if share < threshold)
    return Gate(
        name=name,
        measured=worst,
        threshold=threshold,
        met=_met(worst, threshold, len(known), len(shares)),
        what="layers",
        counted=len(known),
        expected=len(shares),
        misses=tuple(f"{layer} {percent(share)}" for share, layer in below),
    )


def _met(share: float | None, threshold: float, counted: int, expected: int) -> bool | None:
    """What was measured may miss a gate for the whole; only the whole meets it."""
    if share is None:
        return None
    return share >= threshold if counted == expected or share < threshold else None


def percent(share: float) -> str:
    """A share to one decimal, rounded down: 98.96 % does not look like 99."""
    return f"{math.floor(round(1000 * share, 6)) / 10:.1f} %"


def joined(layers: Sequence[Quality]) -> Quality:
    """Layers, one behind the other."""

    def row(name: str) -> Any:
        return np.concatenate([getattr(each, name) for each in layers])

    rows = {item.name: row(item.name) for item in fields(Quality) if item.name not in _NOT_ROWS}
    scores = {
        name: np.concatenate(
            [each.scores.get(name, np.full(each.picture.size, np.nan)) for each in layers]
        )
        for name in SCORES
    }
    return Quality(layer="", scores=scores, **rows)


_NOT_ROWS = {"layer", "scores"}


def _seen(own: Quality) -> Flags:
    """Live units whose picture's contrast is known."""
    return own.live & np.isfinite(own.contrast)


def _ranked(own: Quality) -> Flags:
    """Live units whose rank is known."""
    return own.live & (own.rank > 0)


def _units(layers: Sequence[Quality], which: Flags) -> tuple[Unit, ...]:
    """The units of a layer behind the other that a flag is set for."""
    names = [Unit(each.layer, channel) for each in layers for channel in range(each.picture.size)]
    return tuple(names[at] for at in np.flatnonzero(which).tolist())


def _share(good: Flags, among: Flags) -> float | None:
    return float(good[among].mean()) if among.any() else None


def _middle(kind: Callable[[Values], Any], values: Values) -> float | None:
    known = values[np.isfinite(values)]
    return float(kind(known)) if known.size else None
