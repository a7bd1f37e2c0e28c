"""Grad-CAM: a layer's maps, each weighted by what its mean gradient says of a class score.

Flow: target_layers, dataflow -> **gradcam** -> compute.

    alpha_k = mean over positions of d score / d A_k
    S = ReLU(sum_k alpha_k A_k)          the paper's
    S = sum_k ReLU(alpha_k A_k)          the variant with the ReLU inside the sum

and S divided by its maximum is what is shown: `divided`. The maps here are not divided, so that the
page can say what the maximum was.

captum's LayerGradCam, pytorch-grad-cam and torchcam put hooks on a module, which the result of a
concatenation need not be; captum runs forwards again for each class (measured, SqueezeNet, five
classes, image by image: three times as long), pytorch-grad-cam rescales each map and goes back
through the whole network. Here one forward pass serves all classes, and gradients go back to the
maps and no further. captum's is the oracle of the tests.

Source: Selvaraju et al. 2017, arXiv:1610.02391.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamella.attribution.gradients import (
    batch_of,
    differentiable,
    gradients_by_column,
    in_runs,
    probe,
)
from lamella.attribution.scores import chosen, class_scores
from lamella.attribution.target_layers import LayerMaps, layer_maps, on_image_grid
from lamella.errors import LamellaError, ModelError
from lamella.network.activations import Address, Watch
from lamella.network.dataflow import dataflow_of
from lamella.network.model import Model


def why_not(model: Model, layer: str = "") -> str:
    """Why a network has no Grad-CAM, a sentence for the reader; "" if it has.

    A forward pass may cut gradients off, so it is tried on a grey image.
    """
    try:
        gradcam(model, *probe(model), layer, own_grid=True)
    except LamellaError as error:
        return error.problem
    return ""


def gradcam(
    model: Model,
    shown: Tensor,
    classes: Tensor,
    layer: str = "",
    inside: bool = False,
    *,
    own_grid: bool = False,
    batch: int | None = None,
) -> Tensor:
    """Grad-CAM on a grid that covers the image, (image, k, 56, 56), float32, not negative.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column).
        classes: (image, k), int64; one forward pass serves all of an image's.
        layer: whose maps are weighted; "" for the last convolutional activations. `layer_maps` says
            in words which these are.
        inside: with the ReLU inside the sum.
        own_grid: at the layer's own positions, (image, k, row, column), in place of that grid.
        batch: images whose graphs are held at once.
    Raises:
        UnknownLayer: there is no such layer.
        ModelError: the layer has no positions, the scores do not depend on it, or there is no such
            class.
    """
    target = layer_maps(model, layer)
    found: list[Tensor] = []
    with differentiable():
        # A copy: what was made in inference mode cannot be part of a graph.
        runs = in_runs(
            batch or batch_of(model), shown.to(model.device), classes.to(model.device).clone()
        )
        for images, wanted in runs:
            values, gradients = _gradients(model, images, wanted, target)
            alphas = gradients.mean((3, 4))
            if inside:
                weighted = [(alpha[:, :, None, None] * values).relu().sum(1) for alpha in alphas]
            else:
                weighted = [torch.einsum("nc,ncij->nij", alpha, values).relu() for alpha in alphas]
            found.append(torch.stack(weighted, 1))
    maps = torch.cat(found).float()
    if own_grid:
        return maps
    return on_image_grid(maps, target.field, (shown.shape[2], shown.shape[3]))


def divided(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Maps divided by their maxima, as Grad-CAM is shown, and the maxima, (image, k).

    A map that is zero everywhere stays so: nothing at these positions speaks for the class.
    """
    maxima = maps.amax((-2, -1))
    return maps / torch.where(maxima > 0, maxima, 1)[..., None, None], maxima


def _gradients(
    model: Model, images: Tensor, classes: Tensor, target: LayerMaps
) -> tuple[Tensor, Tensor]:
    """A layer's maps, (image, channel, row, column), and the gradients of the scores with respect
    to them, (k, image, channel, row, column)."""
    scores = dataflow_of(model).scores
    tap = _Tap(target.address, scores.address if scores else None)
    inputs = model.normalise(images)
    with tap:
        output = model.module(inputs)
    picked = chosen(class_scores(output if tap.scores is None else tap.scores), classes)
    leaf = tap.leaf
    gradients: list[Tensor] = []
    for gradient in (None,) if leaf is None else gradients_by_column(picked, leaf):
        if gradient is None:
            raise ModelError(
                f"Grad-CAM: the class scores do not depend on {target.about}.",
                "Choose another layer, or none for the last maps.",
            )
        gradients.append(target.address.layout.maps(gradient))
    assert leaf is not None
    values = target.address.layout.maps(leaf.detach())
    return values, torch.stack(gradients)


class _Tap(Watch):
    """While it is entered, the graph of gradients begins at one operation's result.

    Attributes:
        leaf: that result. What goes on is a copy of it, which later operations may overwrite.
        scores: the result of the operation that yields the scores.
    """

    def __init__(self, address: Address, scores: Address | None) -> None:
        super().__init__(self._seen)
        self.begins = (address.function, address.ordinal)
        self.ends = (scores.function, scores.ordinal) if scores else None
        self.leaf: Tensor | None = None
        self.scores: Tensor | None = None

    def _seen(self, name: str, ordinal: int, result: Any, args: object, kwargs: object) -> None:
        if (name, ordinal) == self.begins:
            self.leaf = result.detach().clone().requires_grad_()
            result.copy_(self.leaf)  # in place: whoever holds the result already goes on with it
        if (name, ordinal) == self.ends:
            self.scores = result
