"""Gradients of scores, and of single units, with respect to the pixels of an image.

Flow: scores, guided -> **gradients** -> integrated, compute, unit_attribution. Nothing is hooked or
swapped: the network runs as it is, and the image is the leaf of the graph.

captum's `Saliency` runs the network forwards again for every class: for the five classes of a page
10 passes where 6 will do (1.4 times as long, measured on SqueezeNet). So one forward pass serves
all classes of an image here, and what would be left of captum's is no more than the magnitude. Its
`GuidedBackprop` finds nothing but modules of the class nn.ReLU and puts hooks on them: see
guided.py.

Sources: Simonyan, Vedaldi and Zisserman 2014, "Deep inside convolutional networks",
arXiv:1312.6034; Springenberg et al. 2015, arXiv:1412.6806.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from lamella.attribution.guided import Guided
from lamella.attribution.scores import chosen, scores
from lamella.errors import ModelError
from lamella.network.model import Model

BATCH = {"cpu": 16, "cuda": 64}  # images, or steps towards them, whose graphs are held at once


@contextmanager
def differentiable() -> Iterator[None]:
    """Gradients on, whatever the caller has switched off."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def gradients_of(
    read: Callable[[Tensor], Tensor], shown: Tensor, *, guided: bool = False
) -> Tensor:
    """Gradients of some numbers of each image, (image, k, 3, row, column), in one forward pass.

    Args:
        read: images, (image, 3, row, column), to numbers, (image, k). It may look into the network.
        shown: sRGB in [0, 1], (image, 3, row, column).
        guided: by guided backpropagation.
    Raises:
        ModelError: no gradient comes back.
    """
    with differentiable():
        leaf = shown.detach().clone().requires_grad_()
        with Guided() if guided else nullcontext():
            numbers = read(leaf)
        found: list[Tensor] = []
        for gradient in gradients_by_column(numbers, leaf):
            if gradient is None:
                raise ModelError(
                    "No gradient comes back from the network's output to the image.",
                    "Its forward pass cuts it off, with torch.no_grad or detach say; take that "
                    "out, or leave the panels out that rest on gradients.",
                )
            found.append(gradient)
    return torch.stack(found, 1)


def gradients_by_column(numbers: Tensor, leaf: Tensor) -> Iterator[Tensor | None]:
    """The gradient of each column of numbers, (image, k), with respect to what they were made of.

    Args:
        leaf: (image, ...); each gradient has its shape, and is None where nothing comes back.
    """
    last = numbers.shape[1] - 1
    for at in range(numbers.shape[1]):
        if not numbers.requires_grad:
            yield None
            continue
        # Images do not share a gradient, so that of their sum holds that of each.
        total = numbers[:, at].sum()
        yield torch.autograd.grad(total, leaf, retain_graph=at < last, allow_unused=True)[0]


def why_not(model: Model) -> str:
    """Why no gradient reaches the pixels, a sentence for the reader; "" if it does."""
    try:
        saliency(model, *probe(model))
    except ModelError as error:
        return error.problem
    return ""


def probe(model: Model) -> tuple[Tensor, Tensor]:
    """A grey image and a class, to try a method on: what `saliency` asks for."""
    shown = model.plain(0.5, *model.facts.size)
    return shown, torch.zeros(1, 1, dtype=torch.int64, device=model.device)


def saliency(model: Model, shown: Tensor, classes: Tensor, *, batch: int | None = None) -> Tensor:
    """Magnitude of the gradient of class scores, the largest of the three colours.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column).
        classes: (image, k), int64; one forward pass serves all of an image's.
        batch: images whose graphs are held at once.
    Returns:
        Per unit of brightness, (image, k, row, column), float32.
    Raises:
        ModelError: there is no such class, or no gradient comes back.
    """
    return _magnitudes(model, shown, classes, batch, guided=False)


def guided(model: Model, shown: Tensor, classes: Tensor, *, batch: int | None = None) -> Tensor:
    """As `saliency`, by guided backpropagation; see guided.py."""
    return _magnitudes(model, shown, classes, batch, guided=True)


def _magnitudes(
    model: Model, shown: Tensor, classes: Tensor, batch: int | None, *, guided: bool
) -> Tensor:
    size = batch or batch_of(model)
    with differentiable():
        # A copy: what was made in inference mode cannot be part of a graph.
        wanted = classes.to(model.device).clone()
        found = [
            gradients_of(scores_of(model, of), run, guided=guided).abs().amax(2)
            for run, of in in_runs(size, shown.to(model.device), wanted)
        ]
        return torch.cat(found).float()


def scores_of(model: Model, classes: Tensor) -> Callable[[Tensor], Tensor]:
    """What reads the scores of some classes, (image, k), off images."""
    return lambda leaf: chosen(scores(model, leaf), classes)


def in_runs(size: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Runs of at most so many images, of all tensors alike."""
    for first in range(0, len(tensors[0]), size):
        yield tuple(tensor[first : first + size] for tensor in tensors)


def batch_of(model: Model) -> int:
    """How many graphs are held at once."""
    return BATCH.get(model.device.type, BATCH["cpu"])
