"""Integrated gradients: a score divided among pixels, along the way from a plain image.

Flow: gradients -> **integrated** -> compute. Of captum's `IntegratedGradients` the rule of
integration and its batches are used. Left to itself it would run the network forwards again for
every class; it takes any function of gradients, and is given one that serves all classes of an
image.

Source: Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks",
arXiv:1703.01365.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lamella.attribution.gradients import batch_of, differentiable, gradients_of, in_runs, scores_of
from lamella.attribution.occlusion import mean_colour
from lamella.attribution.scores import chosen, scores
from lamella.network.model import Model


def integrated(
    model: Model, shown: Tensor, classes: Tensor, steps: int, *, batch: int | None = None
) -> Tensor:
    """Integrated gradients from the network's mean colour to the image, added up over colours.

    The integral is taken by the rule of Gauss and Legendre. Where a sum of the map is stated, state
    `completeness` with it.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column).
        classes: (image, k), int64; one forward pass per step serves all of an image's.
        steps: points of the way at which gradients are taken.
        batch: points whose graphs are held at once.
    Returns:
        Signed parts of the score, (image, k, row, column), float32.
    Raises:
        ModelError: there is no such class, or no gradient comes back.
    """
    size = batch or batch_of(model)
    together = max(1, size // steps)  # images
    shown, classes = shown.to(model.device), classes.to(model.device)
    with differentiable():
        found = [
            _integrated(model, run, of, steps, size)
            for run, of in in_runs(together, shown, classes)
        ]
        return torch.cat(found).float()


def _integrated(model: Model, shown: Tensor, classes: Tensor, steps: int, batch: int) -> Tensor:
    """As `integrated`, for images of which each step fits into one batch."""
    from captum.attr import IntegratedGradients

    def gradients(*, inputs: tuple[Tensor, ...], **_: object) -> tuple[Tensor, ...]:
        (points,) = inputs  # step by step, all images of one step after the other
        of = classes.repeat(len(points) // len(classes), 1)
        return (gradients_of(scores_of(model, of), points),)

    start = plain(model, shown)
    # captum's own multiplication knows only one gradient per image.
    method = IntegratedGradients(model.module, multiply_by_inputs=False)
    method.gradient_func = gradients
    mean: Tensor = method.attribute(shown, start, n_steps=steps, internal_batch_size=batch)
    return (mean * (shown - start)[:, None]).sum(2)


def plain(model: Model, shown: Tensor) -> Tensor:
    """Images of one colour, at which the network's input is zero: the start of the way."""
    return mean_colour(model)[:, None, None].to(shown.dtype).expand_as(shown).contiguous()


@dataclass(frozen=True, slots=True)
class Completeness:
    """Whether maps of integrated gradients add up to what they should, (image, k) each.

    Attributes:
        sum: of the map.
        difference: the score of the image less that of the plain one.
    """

    sum: Tensor
    difference: Tensor

    @property
    def gap(self) -> Tensor:
        """By how much too few steps missed."""
        return self.sum - self.difference


def completeness(
    model: Model, shown: Tensor, classes: Tensor, maps: Tensor, *, batch: int | None = None
) -> Completeness:
    """What maps of `integrated` add up to, and to what they should, at two forward passes more.

    Args:
        maps: (image, k, row, column).
    """
    size = batch or batch_of(model)
    shown, classes = shown.to(model.device), classes.to(model.device)
    with torch.no_grad():
        before = scores(model, plain(model, shown[:1]))
        after = torch.cat([scores(model, some) for (some,) in in_runs(size, shown)])
        difference = chosen(after, classes) - chosen(before.expand_as(after), classes)
    return Completeness(maps.sum((2, 3)), difference.float())
