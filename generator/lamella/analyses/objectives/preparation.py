"""What is found out with the network before any picture is made.

Flow: model + images -> **scene** -> studio. The size it runs at, what it sees in the photographs.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lamella.analyses.objectives.choice import Subject
from lamella.errors import LamellaError, said
from lamella.images.decoding import BrokenImage
from lamella.images.images import Images
from lamella.network.activations import cut
from lamella.network.model import Model
from lamella.network.units import Layer

SIDE = 128


def last(model: Model) -> Layer:
    """The layer that runs last: its channels are the classes of a classifier."""
    return model.facts.layers[-1]


def fitting_side(model: Model, layers: Sequence[Layer], wanted: int | None) -> int:
    """Side of the pictures: what is asked for, else what suits the page, else the network's own.

    Raises:
        LamellaError: the network does not run at it.
    """
    native = min(model.facts.size)
    problem = ""
    for side in dict.fromkeys([wanted] if wanted else [min(SIDE, native), native]):
        try:
            for layer in layers:
                blank = torch.zeros(1, 3, side, side, device=model.device)
                with torch.no_grad():
                    seen = cut(model.module, model.traced[layer.name].target)
                    if not seen(model.normalise(blank)).numel():
                        raise ValueError(f"layer {layer.name!r} is left no position")
        except Exception as error:  # the user's own code may raise anything
            problem = said(error)
            continue
        return side
    raise LamellaError(
        f"The network does not run on pictures of {wanted or native} px: {problem}.",
        f"Set [panels.objectives] size to {native}, the size that it was made for.",
    )


def decoded(images: Images, numbers: Sequence[int]) -> Iterator[Tensor]:
    """Photographs as sRGB in [0, 1], `(1, 3, row, column)`; those that are broken are left out."""
    for number in numbers:
        if number < 0:
            continue
        try:
            pixels = images.pixels(number)
        except (BrokenImage, OSError):
            continue
        yield torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255


@torch.no_grad()
def answer(model: Model, subject: Subject, tops: Sequence[Tensor]) -> Tensor | None:
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
