"""The layer whose channels are the class scores, and how its weights add up to them.

Flow: model -> **output_layer** -> measurements, compute. Found by holding layers against the
scores: of a linear layer the values themselves, of a convolution their mean over positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.attribution.scores import class_scores, probabilities, scores
from lamella.errors import ModelError
from lamella.network.activations import Address, Watch, runs_of, visit
from lamella.network.dataflow import dataflow_of
from lamella.network.model import Model
from lamella.network.units import Unit
from lamella.places.layout import Layout

NEAR = 1e-3  # of the largest score, between a layer and the scores
NONE = (
    "No layer of this network is the list of class scores by itself, so that no weight pushes a "
    "class."
)


@dataclass(frozen=True)
class OutputWeights:
    """The weights by which the last features add up to each class score.

    Attributes:
        layer: its name.
        address: the operation itself, before what follows it.
        weight, bias: (class, input) and (class,).
        rectified: whether a ReLU follows, before the mean over positions.
    """

    layer: str
    address: Address
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    rectified: bool

    def units(self, model: Model) -> tuple[tuple[Unit, ...], ...]:
        """For each input the units that it carries: several where it is a sum; () where that is
        not known."""
        layer = model.traced[self.layer].layer
        return tuple(layer.source(0, at) for at in range(self.weight.shape[1]))


def output_layer_of(model: Model) -> str:
    """The layer whose channels are the class scores, or what is before their softmax; "" for none.

    Of several, the last one.
    """
    shown = _noise(model)
    found: dict[str, Tensor] = {}
    with torch.no_grad():
        wanted = scores(model, shown)

        def keep(name: str, values: Tensor) -> None:
            found[name] = values.mean((2, 3)).clone()

        likely = [t for t in model.traced.values() if t.layer.channels == wanted.shape[1]]
        for traced in likely:
            name = traced.layer.name
            visit(
                model.module,
                model.normalise(shown),
                {traced.observed: lambda values, name=name: keep(name, values)},  # type: ignore[misc]
            )
    for name, values in reversed(found.items()):
        if near(values, wanted) or near(probabilities(values), wanted):
            return name
    return ""


def output_weights(model: Model, layer: str) -> OutputWeights | str:
    """The weights of the output layer; else why no unit has a weight for a class, a sentence.

    Args:
        layer: the output layer's name; "" for none.
    """
    op = next((op for op in dataflow_of(model).ops if layer and op.layer == layer), None)
    if op is None or op.kernel is None:
        return NONE
    if (
        op.kernel.weight.shape[2:].numel() > 1
        or op.kernel.groups > 1
        or op.name == "conv_transpose2d"
    ):
        return (
            f"The class scores are read off {layer}, whose kernels weigh each position "
            "differently: no unit has one weight for a class."
        )
    weight = op.kernel.weight.detach().flatten(1)
    bias = weight.new_zeros(len(weight)) if op.kernel.bias is None else op.kernel.bias.detach()
    rectified = model.traced[layer].layer.activation == "relu"
    found = OutputWeights(
        layer, op.address, weight.float().cpu().numpy(), bias.float().cpu().numpy(), rectified
    )
    shown = _noise(model)
    with torch.no_grad():
        # Of a class that noise has something of: below a ReLU nothing is to be seen.
        at = int(scores(model, shown)[0].argmax())
        wanted, inputs, share = score_terms(model, found, shown, at)
        own = inputs @ weight[at].float() + bias[at].float() * share
    if not near(own, wanted):
        return (
            f"What follows {layer} changes its values: weights and activations do not add up to "
            "the class score."
        )
    return found


def score_terms(
    model: Model, weights: OutputWeights, shown: Tensor, output: int
) -> tuple[Tensor, Tensor, Tensor]:
    """A class's score in images, and what its weights are multiplied with.

    That is the mean over positions of what the layer reads. Where a ReLU stands between the layer
    and the mean, a position counts where the class's own value is above zero, since all others add
    nothing to the score; so weights times inputs, and the bias times its share, are the score.

    Returns:
        The class's score, before any softmax, (image,); the inputs, (image, input); the share of
        the bias, (image,).
    Raises:
        ModelError: the network took another path than when it was traced.
    """
    if len(runs := runs_of(model.module, shown)) > 1:
        parts = zip(*(score_terms(model, weights, one, output) for one in runs), strict=True)
        score, inputs, share = (torch.cat(each) for each in parts)
        return score, inputs, share
    kept: list[tuple[Tensor, Tensor]] = []
    found: list[Tensor] = []
    address, end = weights.address, dataflow_of(model).scores

    def see(name: str, ordinal: int, result: Any, args: Any, kwargs: Any) -> None:
        if (name, ordinal) == (address.function, address.ordinal):
            given = args[0] if args else kwargs["input"]
            read = Layout(1 if "conv" in name else -1).maps(given)
            made = Layout(1 if "conv" in name else -1).maps(result)[:, output]
            gate = (made > 0) if weights.rectified else (made == made)
            kept.append(((read * gate[:, None]).float().mean((2, 3)), gate.float().mean((1, 2))))
        if end and (name, ordinal) == (end.address.function, end.address.ordinal):
            found.append(result)

    with Watch(see):
        output_values = model.module(model.normalise(shown))
    if not kept:
        raise ModelError(f"The network took a path without {weights.layer}, unlike when traced.")
    return class_scores(found[0] if found else output_values)[:, output], *kept[0]


def near(values: Tensor, wanted: Tensor) -> bool:
    """Whether values are the same, up to rounding on the scale of the wanted ones."""
    largest = max(float(wanted.abs().max()), 1e-12)
    return values.shape == wanted.shape and bool((values - wanted).abs().max() <= NEAR * largest)


def _noise(model: Model) -> Tensor:
    """Two images of noise, the same each time."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand((2, model.planes.number, *model.facts.size), generator=generator).to(
        model.device
    )
