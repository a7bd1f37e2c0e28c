"""Class activation maps: what each position of the last maps adds to a class score.

Flow: heads -> **cam** -> compute. Read off the weights of the head, without a gradient, and defined
for the two heads that average over positions alone (heads.py).

captum and pytorch-grad-cam do not have it. torchcam's puts a hook on a module, takes for granted
that the linear layer reads the mean of it, and cuts off what speaks against the class.

Source: Zhou, Khosla, Lapedriza, Oliva and Torralba 2016, "Learning deep features for discriminative
localization", arXiv:1512.04150.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lamella.attribution.gradients import batch_of, in_runs
from lamella.attribution.heads import defined_head, head_of, values_at
from lamella.attribution.scores import require_classes
from lamella.attribution.target_layers import on_image_grid
from lamella.network.model import Model


def why_not(model: Model) -> str:
    """Why a network has no class activation maps, a sentence for the reader; "" if it has."""
    return head_of(model).reason


def contributions(
    model: Model, shown: Tensor, classes: Tensor, *, batch: int | None = None
) -> Tensor:
    """What each position adds to class scores, (image, k, row, column), at the maps' own grid.

    With a linear layer behind the mean, position (i, j) of class c is `sum_k w_ck A_k(i, j)`: the
    mean over positions plus the bias of the class is its score. The bias has no place, and is left
    out, as the paper does. With a 1 x 1 convolution before the mean it is the class's own map,
    behind its activation function, which the bias has gone through: the mean is the score.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column), of any size.
        classes: (image, k), int64; one forward pass serves all of an image's.
        batch: images that run together.
    Raises:
        ModelError: the head is neither of the two, or there is no such class.
    """
    head = defined_head(model)
    assert head.maps is not None and head.weight is not None
    require_classes(classes, len(head.weight))
    found = []
    with torch.no_grad():
        runs = in_runs(batch or batch_of(model), shown.to(model.device), classes.to(model.device))
        for images, wanted in runs:
            values = values_at(model, images, [head.class_maps or head.maps])[0]
            if head.class_maps is not None:
                each = torch.arange(len(images), device=model.device)
                found.append(values[each[:, None], wanted])
            else:  # (image, k, channel) by (image, channel, row, column)
                found.append(torch.einsum("nkc,ncij->nkij", head.weight[wanted], values))
    return torch.cat(found).float()


def cam(model: Model, shown: Tensor, classes: Tensor, *, batch: int | None = None) -> Tensor:
    """`contributions` on a grid that covers the image, (image, k, 56, 56), float32, signed.

    Between the centres of what positions see the map is interpolated; its mean is that of
    `contributions` no longer exactly.
    """
    maps = contributions(model, shown, classes, batch=batch)
    return on_image_grid(maps, head_of(model).field, (shown.shape[2], shown.shape[3]))
