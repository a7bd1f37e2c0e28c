"""Which class a direction pushes: what the network's scores gain where the layer says it.

Flow: grid + model -> **class_names** -> cells. The layer's values are overwritten, in a pass of
the network, by a cell's mean vector at every position; the class scores, less those where every
position says the mean of all vectors, are the effect of the cell.

The paper takes the linear approximation instead: the gradient of each score by the activations,
times the vector. Where everything behind the layer is linear (a convolution, a mean over
positions, a linear layer), the two are the same number. Elsewhere this one sees past ReLUs that are
shut at the point where a gradient would be taken, and costs one pass for a cell in place of one for
a class. It has its own limit: no photograph fills a map with one vector, so that behind many
layers what the network makes of it is a guess.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.analyses.activation_atlas.spaces import Space
from lamella.analyses.activation_atlas.stored import CLASSES
from lamella.network.activations import visit
from lamella.network.model import Model

BATCH = 16


def named(model: Model) -> bool:
    """Whether the channels of the last layer are classes that have names."""
    return len(model.facts.classes) == model.facts.layers[-1].channels


@torch.inference_mode()
def effects(
    model: Model, space: Space, vectors: NDArray[np.float32], usual: NDArray[np.float32], side: int
) -> NDArray[np.float32]:
    """What the class scores gain by each vector over the usual one, `(vector, class)`.

    Scores are the last layer's values before its activation function, their mean over positions.

    Args:
        vectors: `(vector, channel)`.
        usual: the mean of all vectors, `(channel,)`.
        side: of the images, in pixels, at which the network runs. They are grey: what the network
            passes around the layer (a residual connection) is theirs.
    """
    last = model.facts.layers[-1]
    if space.layers == (last,):
        return vectors - usual
    if not len(vectors):
        return np.zeros((0, last.channels), np.float32)
    found = [
        scores(model, space, torch.from_numpy(np.concatenate([usual[None], part])), side)
        for first in range(0, len(vectors), BATCH)
        for part in (vectors[first : first + BATCH],)
    ]
    return np.concatenate([(one[1:] - one[:1]).cpu().numpy() for one in found])


def scores(model: Model, space: Space, vectors: Tensor, side: int) -> Tensor:
    """The class scores where the layer says a vector at every position, `(vector, class)`."""
    vectors = vectors.to(model.device)
    kept: list[Tensor] = []

    def overwriting(part: Tensor) -> Callable[[Tensor], None]:
        def overwrite(value: Tensor) -> None:
            value.copy_(part[:, :, None, None].expand_as(value))

        return overwrite

    parts = torch.split(vectors, [layer.channels for layer in space.layers], dim=1)
    visitors = {
        model.traced[layer.name].observed: overwriting(part)
        for layer, part in zip(space.layers, parts, strict=True)
    }
    visitors[model.traced[model.facts.layers[-1].name].target] = lambda value: kept.append(
        value.float().mean((2, 3))
    )
    grey = model.plain(0.5, side, side, len(vectors))
    visit(model.module, model.normalise(grey), visitors)
    return kept[0]


def strongest_classes(
    effects: NDArray[np.float32] | None, cells: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The classes whose scores gain most, and what they gain, where they gain at all."""
    classes = np.full((cells, CLASSES), -1, np.int64)
    gains = np.zeros((cells, CLASSES), np.float32)
    if effects is not None and len(effects):
        kept = min(CLASSES, effects.shape[1])
        order = np.argsort(-effects, axis=1, kind="stable")[:, :kept]
        found = np.take_along_axis(effects, order, axis=1)
        classes[:, :kept] = np.where(found > 0, order, -1)
        gains[:, :kept] = np.where(found > 0, found, 0)
    return classes, gains
