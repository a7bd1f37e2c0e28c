"""What is stored of the pictures made of units, and how it is read.

Flow: compute, diversity -> store -> **stored** -> view, and the analyses that measure these
pictures or show them. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.figures import Picture, published
from lamella.figures.published import unit_picture
from lamella.network.units import Unit
from lamella.store.facts import LayerFacts, once

# The panels; of the last two, the stored pictures have the same name.
PANEL, PICTURE = published.PICTURE
THUMB = "thumb"  # beside it
MINIMIZING, DIVERSITY = "minimizing", "diversity"

BOUND = 1e-5  # of its value, within which an activation is at a bound
GREY = 0.02  # a picture whose pixels deviate by less shows nothing

# The numbers of each picture that excites or lowers its unit; see `Visualizations`. Beside them
# lies "curve", (unit, step).
NUMBERS = {
    "activation": np.float32,
    "mean": np.float32,
    "rank": np.int32,
    "contrast": np.float32,
    "dead": np.uint8,
    "failed": np.uint8,
    "tries": np.uint8,
    "attempt": np.uint8,
    "kept_step": np.int32,
}

Flags = NDArray[np.bool_]
Values = NDArray[np.float64]
Integers = NDArray[np.int64]


def numbers_of(
    columns: Mapping[str, Sequence[object]], curve: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    """The numbers of some units as they are stored: a column for each name of `NUMBERS`."""
    numbers: dict[str, NDArray[Any]] = {
        name: np.array(columns[name], kind) for name, kind in NUMBERS.items()
    }
    return numbers | {"curve": curve}


@dataclass(frozen=True, slots=True)
class Visualizations:
    """The feature visualizations of one layer, an entry per channel.

    What a shard lacks, as those of earlier versions do, is unknown.

    Attributes:
        picture: whether there is one.
        failed: the ascent failed, and there is none.
        problem: why the last of them failed.
        dead: nothing in an image changes the unit, or brings it above zero.
        activation: the largest of the unit's own map on the clean picture, in the layer's own
            values; NaN without a picture, or where unknown.
        contrast: standard deviation of the picture's sRGB values, each in [0, 1]; NaN likewise.
        rank: of the unit among the layer's channels, see `measures.Measured`; 0 unknown.
        tries: attempts that were made; 0 unknown.
        attempt: which of them the picture is from; 0 unknown.
        kept_step: the step whose picture was kept; -1 unknown.
        curve: the objective at each step, `(channel, step)`; no steps where unknown.
    """

    picture: Flags
    failed: Flags
    problem: str
    dead: Flags
    activation: Values
    contrast: Values
    rank: Integers
    tries: Integers
    attempt: Integers
    kept_step: Integers
    curve: NDArray[np.float32]


@once
def visualizations(facts: LayerFacts) -> Visualizations:
    """The feature visualizations of a layer; read once, however many pages ask."""
    own, channels = facts.of(PANEL), facts.layer.channels

    def integers(name: str, unknown: int = 0) -> Integers:
        stored = own.numbers.get(name, unknown)
        return np.where(own.present, stored, unknown).astype(np.int64)

    failed = integers("failed") > 0
    picture = np.zeros(channels, np.bool_)
    picture[list(own.pictures.get(PICTURE, {}))] = True
    picture &= own.present & ~failed

    def values(name: str) -> Values:
        stored = own.numbers.get(name, np.nan)
        return np.where(picture & np.isfinite(stored), stored, np.nan).astype(np.float64)

    return Visualizations(
        picture=picture,
        failed=failed,
        problem=own.made.get("failed", ""),
        dead=picture & (integers("dead") > 0),
        activation=values("activation"),
        contrast=values("contrast"),
        rank=integers("rank"),
        tries=integers("tries"),
        attempt=integers("attempt"),
        kept_step=integers("kept_step", -1),
        curve=own.numbers.get("curve", np.zeros((channels, 0), np.float32)),
    )


@dataclass(frozen=True, slots=True)
class Made:
    """A picture made of a unit, as it is published, and the unit's activation on it."""

    picture: Picture
    activation: float


def visualization(facts: LayerFacts, channel: int) -> Made | None:
    """The picture that excites a unit; None where there is none."""
    alt = f"Feature visualization of {Unit(facts.layer.name, channel)}"
    return _made(facts, PANEL, PICTURE, channel, alt)


def minimizing(facts: LayerFacts, channel: int) -> Made | None:
    """The picture that lowers a unit most; None where there is none."""
    alt = f"Minimizing visualization of {Unit(facts.layer.name, channel)}"
    return _made(facts, MINIMIZING, MINIMIZING, channel, alt)


def _made(facts: LayerFacts, panel: str, name: str, channel: int, alt: str) -> Made | None:
    picture = unit_picture(facts, panel, name, channel, alt)
    if picture is None:
        return None
    return Made(picture, float(facts.of(panel)["activation"][channel]))


def diversity(facts: LayerFacts, channel: int) -> tuple[Made, ...]:
    """The pictures of a unit that were made to differ; () where there are none."""
    sheet = unit_picture(facts, DIVERSITY, DIVERSITY, channel, "")
    if sheet is None:
        return ()
    own, unit = facts.of(DIVERSITY), Unit(facts.layer.name, channel)
    cells = own.sheets[DIVERSITY]
    return tuple(
        Made(
            Picture(
                sheet.src,
                f"Picture {at + 1} of {cells.columns}, made for {unit}",
                cells.width,
                cells.height,
                cell=at,
                columns=cells.columns,
            ),
            float(own["activation"][channel, at]),
        )
        for at in range(cells.columns)
    )
