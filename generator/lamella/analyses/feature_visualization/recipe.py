"""How a layer's pictures are made: their size, what is raised, and what is tried when that fails.

Flow: model + survey -> **recipe** -> batch.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lamella.analyses.feature_visualization.measures import Norms
from lamella.errors import ModelError, said
from lamella.network.activations import AnotherPath, cut
from lamella.network.folding import CONVOLUTION, Folding
from lamella.network.model import Model
from lamella.network.units import Layer
from lamella.optvis import Channel, Neuron, Objective, Settings, fitted_size

ATTEMPTS = 4
REDIRECTED = 16  # first steps of a later attempt in which ReLUs that let nothing through are passed


def picture_side(model: Model, layer: Layer, wanted: int | None = None) -> int:
    """Side of a layer's pictures, in pixels: by receptive field where the network allows it.

    A network with a linear layer behind a flattened map, or with learned positions, runs at its own
    size alone.

    Args:
        wanted: the size that the user asks for.
    Raises:
        ModelError: the network does not run at the size that is wanted, or not at all.
    """
    native = min(model.facts.size)
    largest = max(model.facts.size)  # of which the network sees the middle, if it is no square
    side = wanted or fitted_size(layer.field.size if layer.field else None, native=native)
    for size in dict.fromkeys((side, wanted or native, wanted or largest)):
        image = model.plain(0, size, size)
        try:
            with torch.no_grad():
                values = cut(model.module, model.traced[layer.name].observed)(
                    model.normalise(image)
                )
        except AnotherPath as error:
            raise ModelError(
                f"Layer {layer.name!r} did not run on a black picture as on photographs: the "
                "network's control flow depends on its input.",
                f'Leave the layer out with [analysis] layers = ["*", "!{layer.name}"].',
            ) from error
        except Exception as error:  # the user's own code may raise anything
            problem = said(error)
            continue
        if values.shape[2] * values.shape[3]:
            return size
        problem = "the layer is left no position"
    raise not_visualized(layer, f" at {size} px: {problem}.")


def not_visualized(layer: Layer, problem: str) -> ModelError:
    """The error of a layer that there can be no pictures of."""
    return ModelError(
        f"Layer {layer.name!r} cannot be visualized{problem}",
        "Set [panels.feature_visualization] size, or leave the layer out with "
        f'[analysis] layers = ["*", "!{layer.name}"].',
    )


@dataclass(frozen=True)
class Recipe:
    """How a layer's pictures are made.

    Attributes:
        size: side of a picture, in pixels.
        settings: of the ascent.
        norms: what the survey says of the layer's channels.
        negative: whether the picture lowers the activation in place of raising it.
    """

    layer: Layer
    size: int
    settings: Settings
    norms: Norms
    negative: bool = False

    @classmethod
    def of(
        cls,
        model: Model,
        layer: Layer,
        survey: Mapping[str, object],
        *,
        steps: int,
        size: int | None = None,
        negative: bool = False,
    ) -> "Recipe":
        """The recipe for a layer.

        Args:
            survey: the survey's arrays of the layer, where there are any.
            size: the side that the user asks for.
        """
        settings = Settings(steps=steps, axes=model.planes.axes)
        settings = settings.for_field(layer.field.size if layer.field else None)
        side = picture_side(model, layer, size)
        settings = settings.seen(side, model.facts.size)
        return cls(layer, side, settings, Norms.of(survey, layer.ceiling), negative)

    def target(self, model: Model) -> Callable[[Tensor], Tensor]:
        """Pictures to the values that are raised: before the layer's activation function."""
        at = model.traced[self.layer.name].target
        network = cut(model.module, at)
        # A convolution whose own output is the target must not carry what comes behind it.
        own = at.ordinal if at.function == CONVOLUTION else None
        folds = {ordinal: fold for ordinal, fold in model.folds.items() if ordinal != own}

        def seen(images: Tensor) -> Tensor:
            with _half(model), Folding(folds) if folds else nullcontext():
                return network(model.normalise(images))

        return seen

    def observed(self, model: Model) -> Callable[[Tensor], Tensor]:
        """Pictures to the layer's own values, in full precision."""
        network = cut(model.module, model.traced[self.layer.name].observed)
        return lambda images: network(model.normalise(images))

    def objective(self, channels: Sequence[int], attempt: int = 1) -> Objective:
        """What is raised, image by image.

        First the channel against its layer; then with its strongest place on top; then in larger
        steps; last the place alone, which raises the peak most, and shows least.
        """
        numbers = torch.tensor(channels)
        sign = -1.0 if self.negative else 1.0
        signed = self.layer.activation is None
        channel = Channel(
            numbers,
            floor=-math.inf if signed else 0.0,
            ceiling=self.layer.ceiling,
            leak=1.0 if signed else 0.1,
            spread=self.norms.spread,
            usual=self.norms.mean,
            sign=sign,
        )
        neuron = Neuron(numbers, contrast=0, sign=sign)
        return (channel, channel + neuron, channel, neuron)[attempt - 1]

    def settings_of(self, attempt: int) -> Settings:
        """The settings of an attempt: later ones go further, and wake units behind shut ReLUs.

        A grouped convolution reads so few channels that their ReLUs are often all shut at first.
        """
        asleep = attempt > 1 or self.layer.groups > 1
        return replace(
            self.settings,
            learning_rate=self.settings.learning_rate * (1, 2, 4, 1)[attempt - 1],
            redirect=min(REDIRECTED, self.settings.steps // 4) if asleep else 0,
        )


def _half(model: Model) -> AbstractContextManager[object]:
    """On a GPU the network runs in bfloat16; what is around it stays in float32."""
    if model.device.type == "cuda":
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()
