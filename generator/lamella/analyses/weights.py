"""The weights of each unit as pictures.

First layer: the kernels themselves, in colour. Deeper layers: the channels behind it with the
strongest positive and negative weights, each with its kernel as a heat map (Cammarata et al. 2020,
doi:10.23915/distill.00024; Voss et al. 2021, doi:10.23915/distill.00024.007).
Weights are as stored in the file: a batch norm behind the layer rescales them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from lamella.analyses.panel import Panel, Settings
from lamella.figures import Figure, Gallery, Picture, Tile
from lamella.figures.encoding import lossless
from lamella.figures.heat import diverging
from lamella.figures.published import thumbnail, unit_page, unit_picture
from lamella.network.units import Layer, Unit
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job

SHARD = 256
CELL = 36  # pixels of one heat map


class Options(Settings):
    """`[panels.weights]`."""

    shown: int = Field(6, ge=1, le=32, description="Strongest inputs shown, of each sign.")


def enlarged(colours: NDArray[np.uint8]) -> Image.Image:
    """A kernel's pixels enlarged to a square cell; what is not square lies in its middle."""
    height, width = colours.shape[:2]
    scale = max(1, CELL // max(height, width))
    cell = Image.new("RGBA", (CELL, CELL))
    if max(height, width) > CELL:
        large = Image.fromarray(colours).resize((CELL, CELL), Image.Resampling.BOX)
    else:
        large = Image.fromarray(colours).resize((width * scale, height * scale), 0)
    cell.paste(large, ((CELL - large.width) // 2, (CELL - large.height) // 2))
    return cell


def sees_image(layer: Layer) -> bool:
    """Whether the layer's inputs are the image's three colours."""
    return layer.inputs == 3 and len(layer.sources) == 1 and not layer.sources[0].layers


def kernels(weights: NDArray[np.float64], layer: Layer) -> NDArray[np.float64]:
    """(channel, input, row, column), with a flattened map behind the layer folded back."""
    per = {segment.positions for segment in layer.sources}
    if len(per) == 1 and (positions := per.pop()) > 1:
        side = math.isqrt(positions)
        rows = side if side * side == positions else 1
        return weights.reshape(len(weights), -1, rows, positions // rows)
    return weights


class Weights(Panel):
    """What each unit's kernel is made of."""

    name = "weights"
    title = "Weights"
    about = ""
    settings = Options

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        weights = job.model.traced[layer.name].kernel.double().cpu().numpy()
        # One scale for the whole layer; its very largest weight alone would pale all others.
        limit = float(np.quantile(np.abs(weights), 0.999)) or 1.0
        first_layer = sees_image(layer)
        if first_layer and job.model.preprocessing.channels == "BGR":
            weights = weights[:, ::-1]
        weights = kernels(weights, layer)
        for first in range(0, len(channels), SHARD):
            run = tuple(channels[first : first + SHARD])
            make = self._colours if first_layer else self._strongest
            yield make(run, weights, limit, job.settings)
            job.tick(len(run))

    @staticmethod
    def _colours(
        run: tuple[int, ...], weights: NDArray[np.float64], limit: float, options: Options
    ) -> Shard:
        """First layer: red, green and blue weights as a colour; the middle grey is zero."""
        height, width = weights.shape[2:]
        shades = np.clip(weights / limit, -1, 1) * 127.5 + 127.5
        colours = shades.round().astype(np.uint8).transpose(0, 2, 3, 1)
        return Shard(
            run,
            numbers={"limit": np.full(len(run), limit, np.float32)},
            pictures={"kernel": [lossless(Image.fromarray(colours[c])) for c in run]},
            sheets={"kernel": Sheet(width, height)},
        )

    @staticmethod
    def _strongest(
        run: tuple[int, ...], weights: NDArray[np.float64], limit: float, options: Options
    ) -> Shard:
        """Deeper layers: the inputs whose weights add up to the most, and to the least."""
        strength = weights.sum(axis=(2, 3))
        shown = min(options.shown, strength.shape[1])
        order = np.argsort(-strength, axis=1, kind="stable")
        inputs = np.full((len(run), 2, options.shown), -1, np.int32)
        sums = np.zeros((len(run), 2, options.shown), np.float32)
        sheets = []
        for at, channel in enumerate(run):
            sheet = Image.new("RGBA", (options.shown * CELL, 2 * CELL))
            for sign, ends in enumerate((order[channel, :shown], order[channel, ::-1][:shown])):
                signed = [i for i in ends if (strength[channel, i] < 0) == bool(sign)]
                for place, index in enumerate(signed):
                    inputs[at, sign, place] = index
                    sums[at, sign, place] = strength[channel, index]
                    cell = enlarged(diverging(weights[channel, index], limit))
                    sheet.paste(cell, (place * CELL, sign * CELL))
            sheets.append(lossless(sheet))
        return Shard(
            run,
            numbers={
                "inputs": inputs,
                "sums": sums,
                "limit": np.full(len(run), limit, np.float32),
            },
            pictures={"kernels": sheets},
            sheets={"kernels": Sheet(CELL, CELL, options.shown, 2)},
        )

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        own = facts.of(self.name)
        if not own.present[channel]:
            return ()
        limit = float(own["limit"][channel])
        if "kernel" in own.sheets:
            tile = self._kernel(facts, channel)
            return (Gallery("Its kernel", (tile,) if tile else (), COLOURS.format(limit)),)
        sheet = unit_picture(facts, self.name, "kernels", channel, "")
        if sheet is None:
            return ()
        titles = "Excited most by", "Inhibited most by"
        note = f"Kernels: red is positive, blue negative, white zero; full colour at ±{limit:.2g}."
        galleries: list[Gallery] = []
        for sign in (0, 1):
            tiles = tuple(
                self._input(facts, channel, sheet, sign, place)
                for place in range(own["inputs"].shape[2])
                if own["inputs"][channel, sign, place] >= 0
            )
            if tiles:
                galleries.append(Gallery(titles[sign], tiles, "" if galleries else note, "small"))
        return tuple(galleries)

    def _input(
        self, facts: LayerFacts, channel: int, sheet: Picture, sign: int, place: int
    ) -> Tile:
        """One of the inputs: whose channel it is, and the kernel that reads it."""
        own, layer = facts.of(self.name), facts.layer
        index, total = int(own["inputs"][channel, sign, place]), own["sums"][channel, sign, place]
        cells = own.sheets["kernels"]
        segment = layer.sources[0].positions if layer.sources else 1
        units = layer.source(channel, index * segment)
        known = [unit for unit in units if unit.layer in facts.atlas.offsets]
        name = str(units[0]) if units else f"input {index}"
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
        caption = name if len(units) < 2 else f"{name} and {len(units) - 1} more"
        if not known:
            return Tile(kernel, caption, f"{total:+.2g}")
        return Tile(
            thumbnail(facts.atlas, known[0]),
            caption,
            f"{total:+.2g}",
            link=unit_page(facts.atlas, known[0]),
            beside=kernel,
        )

    def _kernel(self, facts: LayerFacts, channel: int) -> Tile | None:
        """A first-layer kernel, linked to its unit."""
        unit = Unit(facts.layer.name, channel)
        rows, columns = facts.layer.kernel
        alt = f"Kernel of {unit} as a colour picture of {rows} by {columns} pixels"
        picture = unit_picture(facts, self.name, "kernel", channel, alt)
        if picture is None:
            return None
        shown = Picture(picture.src, alt, picture.width, picture.height, pixelated=True)
        return Tile(shown, str(channel), link=unit_page(facts.atlas, unit))

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        own = facts.of(self.name)
        if "kernel" not in own.sheets:
            return ()
        tiles = [self._kernel(facts, channel) for channel in range(facts.layer.channels)]
        limit = float(own["limit"].max())
        note = COLOURS.format(limit)
        return (Gallery("All kernels", tuple(tile for tile in tiles if tile), note, "small"),)


COLOURS = (
    "Red, green and blue weights as a colour: middle grey is zero, brighter positive, darker "
    "negative; full colour at ±{:.2g}, the same for the whole layer."
)
