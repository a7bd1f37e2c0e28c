"""Kernels as pictures: in colour of a first layer, the strongest inputs of deeper ones.

Flow: model -> **compute** -> store.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.weights.stored import INPUTS, KERNEL, KERNELS, LIMIT, SUMS
from lamella.config.planes import Planes
from lamella.figures.encoding import lossless
from lamella.figures.heat import diverging
from lamella.network.units import Layer
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job

SHARD = 256
CELL = 36  # pixels of one heat map


def shards(job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
    """The pictures of the weights of these channels of a layer."""
    weights = job.model.traced[layer.name].kernel.double().cpu().numpy()
    # One scale for the whole layer; its very largest weight alone would pale all others.
    limit = float(np.quantile(np.abs(weights), 0.999)) or 1.0
    in_colour = reads_image(layer)
    planes = job.model.planes
    if in_colour and planes.flipped:
        weights = weights[:, ::-1]
    weights = kernels(weights, layer)
    for first in range(0, len(channels), SHARD):
        run = tuple(channels[first : first + SHARD])
        if in_colour:
            yield _in_colour(run, weights, limit, planes)
        else:
            yield _strongest(run, weights, limit, job.settings.shown)
        job.tick(len(run))


def _in_colour(
    run: tuple[int, ...], weights: NDArray[np.float64], limit: float, planes: Planes
) -> Shard:
    """First layer: red, green and blue weights as a colour; the middle grey is zero."""
    height, width = weights.shape[2:]
    shown = planes.tinted((weights / limit).transpose(0, 2, 3, 1))
    colours = (np.clip(shown, -1, 1) * 127.5 + 127.5).round().astype(np.uint8)
    return Shard(
        run,
        numbers={LIMIT: np.full(len(run), limit, np.float32)},
        pictures={KERNEL: [lossless(Image.fromarray(colours[c])) for c in run]},
        sheets={KERNEL: Sheet(width, height)},
    )


def _strongest(
    run: tuple[int, ...], weights: NDArray[np.float64], limit: float, shown: int
) -> Shard:
    """Deeper layers: the inputs whose weights add up to the most, and to the least."""
    strength = weights.sum(axis=(2, 3))
    most = min(shown, strength.shape[1])
    order = np.argsort(-strength, axis=1, kind="stable")
    inputs = np.full((len(run), 2, shown), -1, np.int32)
    sums = np.zeros((len(run), 2, shown), np.float32)
    sheets = []
    for at, channel in enumerate(run):
        sheet = Image.new("RGBA", (shown * CELL, 2 * CELL))
        for sign, ends in enumerate((order[channel, :most], order[channel, ::-1][:most])):
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
            INPUTS: inputs,
            SUMS: sums,
            LIMIT: np.full(len(run), limit, np.float32),
        },
        pictures={KERNELS: sheets},
        sheets={KERNELS: Sheet(CELL, CELL, shown, 2)},
    )


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


def reads_image(layer: Layer) -> bool:
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
