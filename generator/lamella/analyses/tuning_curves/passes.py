"""The pass of all stimuli through the network: every layer at once, one number per unit kept.

Flow: families + model -> activations -> **passes** -> compute. Memory is a batch's
activations, and units times responses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.tuning_curves.family import Family
from lamella.analyses.tuning_curves.positions import window
from lamella.network.units import Layer

if TYPE_CHECKING:
    from torch import Tensor

    from lamella.network.model import Model

BATCH = 16
Responses = dict[str, NDArray[np.float32]]


def responses(
    model: Model,
    layers: Sequence[Layer],
    families: Mapping[str, Family],
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Responses]:
    """What each unit says to each stimulus: the largest of its activations where it is read.

    Args:
        layers: of the network; the pass stops behind the last of them.
        tick: called after each batch with the number of stimuli shown, and of all.
    Returns:
        By layer and family, float32, `(channel, *family.shape)`. NaN where the network yields no
        number, as one that divides by the deviation of a plain image does.
    """
    import torch

    from lamella.network.activations import visit

    found = {
        layer.name: {
            name: np.full((math.prod(family.shape), layer.channels), -np.inf, np.float32)
            for name, family in families.items()
        }
        for layer in layers
    }
    total, done = sum(family.count for family in families.values()), 0
    for name, family in families.items():
        windows = {
            layer.name: window(layer, model.facts.size, centred=family.centred) for layer in layers
        }
        first = 0
        for images in batches(family.images()):
            rows = np.arange(first, first + len(images)) // family.pool
            visitors = {
                model.traced[layer.name].observed: _keeper(
                    found[layer.name][name], rows, windows[layer.name]
                )
                for layer in layers
            }
            with torch.inference_mode():
                shown = torch.from_numpy(_planes(model, images)).to(model.device)
                visit(model.module, model.normalise(shown), visitors)
            first += len(images)
            done += len(images)
            tick(done, total)
    return {
        layer.name: {
            name: np.ascontiguousarray(values.T).reshape(layer.channels, *families[name].shape)
            for name, values in found[layer.name].items()
        }
        for layer in layers
    }


def _planes(model: Model, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stimuli, (image, 3, row, column), as the network's images; in bands their brightness in all
    alike."""
    found = model.planes.of_colours(np.moveaxis(images, 1, -1))
    if found is None:
        return np.repeat(images.mean(1, keepdims=True), model.planes.number, axis=1)
    return np.ascontiguousarray(np.moveaxis(found, -1, 1))


def _keeper(
    into: NDArray[np.float32], rows: NDArray[np.int64], read: tuple[slice, slice]
) -> Callable[[Tensor], None]:
    """A visitor that raises the responses at `rows` to a layer's peaks where they are read."""
    down, across = read

    def keep(values: Tensor) -> None:
        peak = values[:, :, down, across].amax((2, 3)).float().cpu().numpy()
        peak[~np.isfinite(peak)] = np.nan
        np.maximum.at(into, rows, peak)

    return keep


def batches(images: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Images in their order, `BATCH` at a time, the last ones fewer."""
    while run := list(islice(images, BATCH)):
        yield np.stack(run)
