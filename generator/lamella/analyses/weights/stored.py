"""What is stored of the weights of a unit, and how it is read.

Flow: compute -> store -> **stored** -> view. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from lamella.figures import Picture
from lamella.figures.published import unit_picture
from lamella.network.units import Unit
from lamella.store.facts import LayerFacts

PANEL = "weights"
KERNEL = "kernel"  # of a unit of the first layer: its picture in colour
KERNELS = "kernels"  # of a deeper one: a sheet, a row of inputs that excite, a row that inhibit
# Numbers: the weight of full colour, (unit,); which inputs the cells of the sheet show, -1 for
# none, and what their weights add up to, (unit, sign, place).
LIMIT, INPUTS, SUMS = "limit", "inputs", "sums"


@dataclass(frozen=True, slots=True)
class Input:
    """One of the strongest inputs of a unit.

    Attributes:
        units: whose channels it carries; none where that is not known.
        name: of the first of them, or of the input.
        total: what the weights on it add up to.
        kernel: those weights as a heat map.
    """

    units: tuple[Unit, ...]
    name: str
    total: float
    kernel: Picture


def limit(facts: LayerFacts, channel: int) -> float | None:
    """The weight that is shown in full colour; None where nothing was stored."""
    own = facts.of(PANEL)
    return float(own[LIMIT][channel]) if own.present[channel] else None


def in_colour(facts: LayerFacts) -> bool:
    """Whether the kernels of a layer read the image, and are stored as colour pictures."""
    return KERNEL in facts.of(PANEL).sheets


def kernel(facts: LayerFacts, channel: int) -> Picture | None:
    """The kernel of a unit of the first layer."""
    rows, columns = facts.layer.kernel
    unit = Unit(facts.layer.name, channel)
    alt = f"Kernel of {unit} as a colour picture of {rows} by {columns} pixels"
    picture = unit_picture(facts, PANEL, KERNEL, channel, alt)
    if picture is None:
        return None
    return Picture(picture.src, alt, picture.width, picture.height, pixelated=True)


def inputs(facts: LayerFacts, channel: int) -> tuple[tuple[Input, ...], tuple[Input, ...]]:
    """The inputs that excite a unit of a deeper layer most, and those that inhibit it most."""
    sheet = unit_picture(facts, PANEL, KERNELS, channel, "")
    if sheet is None:
        return (), ()
    places = range(facts.of(PANEL)[INPUTS].shape[2])
    exciting, inhibiting = (
        tuple(
            _input(facts, channel, sheet, sign, place)
            for place in places
            if facts.of(PANEL)[INPUTS][channel, sign, place] >= 0
        )
        for sign in (0, 1)
    )
    return exciting, inhibiting


def _input(facts: LayerFacts, channel: int, sheet: Picture, sign: int, place: int) -> Input:
    own, layer = facts.of(PANEL), facts.layer
    index, total = int(own[INPUTS][channel, sign, place]), float(own[SUMS][channel, sign, place])
    cells = own.sheets[KERNELS]
    segment = layer.sources[0].positions if layer.sources else 1
    units = layer.source(channel, index * segment)
    of_image = len(layer.sources) == 1 and not layer.sources[0].layers
    bands = of_image and isinstance(facts.atlas.network.preprocessing.get("channels"), int)
    name = str(units[0]) if units else f"band {index + 1}" if bands else f"input {index}"
    kernel = Picture(
        sheet.src,
        f"Kernel on {name}, weights adding up to {total:.2g}",
        cells.width,
        cells.height,
        cell=sign * cells.columns + place,
        columns=cells.columns,
        rows=cells.rows,
        pixelated=True,
    )
    return Input(tuple(units), name, total, kernel)
