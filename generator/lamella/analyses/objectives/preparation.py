"""What is found out with the network before any picture is made.

Flow: model + images -> **preparation** -> context. The size it runs at, what it sees in the
photographs.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from lamella.analyses.objectives.choice import Subject
from lamella.images.decoding import BrokenImage
from lamella.images.images import Images
from lamella.network.activations import cut
from lamella.network.model import Model
from lamella.network.units import Layer
from lamella.optvis.side import fitting_side

SIDE = 128


def last(model: Model) -> Layer:
    """The layer that runs last: its channels are the classes of a classifier."""
    return model.facts.layers[-1]


def picture_side(model: Model, layers: Sequence[Layer], wanted: int | None) -> int:
    """Side of the pictures: what is asked for, else what suits the page, else the network's own.

    Raises:
        LamellaError: the network does not run at it.
    """

    def values_of(layer: Layer) -> Callable[[Tensor], Tensor]:
        target = cut(model.module, model.traced[layer.name].target)
        return lambda images: target(model.normalise(images))

    return fitting_side(
        {layer.name: values_of(layer) for layer in layers},
        wanted=wanted,
        usual=SIDE,
        native=max(model.facts.size),
        planes=model.planes.number,
        device=model.device,
        setting="[panels.objectives] size",
    )


def decoded(model: Model, images: Images, numbers: Sequence[int]) -> Iterator[Tensor]:
    """Images in [0, 1], `(1, plane, row, column)`; those that are broken are left out."""
    for number in numbers:
        if number < 0:
            continue
        try:
            values = images.values(number)
        except (BrokenImage, OSError):
            continue
        yield model.shown(values[None]).cpu()


@torch.no_grad()
def response(model: Model, subject: Subject, tops: Sequence[Tensor]) -> Tensor | None:
    """The layer's values at the place where the first of these photographs excites the unit most.

    `(1, channel)`; None without photographs, or where nothing answers.
    """
    if not tops:
        return None
    observed = cut(model.module, model.traced[subject.layer.name].observed)
    values = observed(model.normalise(tops[0].to(model.device)))[0].float()
    flat = values.flatten(1)
    place = flat[:, int(flat[subject.unit.channel].argmax())]
    return place[None].cpu() if bool(place.abs().sum() > 0) else None


@torch.no_grad()
def predicted(model: Model, tops: Sequence[Tensor]) -> int:
    """The class that the network sees in most of these photographs; 0 without any."""
    scores = cut(model.module, model.traced[last(model).name].target)
    best = [
        int(scores(model.normalise(image.to(model.device))).float().mean((2, 3))[0].argmax())
        for image in tops
    ]
    return min(Counter(best).items(), key=lambda item: (-item[1], item[0]))[0] if best else 0
