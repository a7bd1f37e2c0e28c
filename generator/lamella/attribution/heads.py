"""The head of a network, and the network as a fully convolutional one where its head allows that.

Flow: dataflow, head_structure -> **heads** -> cam, target_layers, classes. What the operations say
of the head is compared with the network's own scores before it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from lamella.attribution.head_structure import Head, OtherHead, read_head
from lamella.errors import ModelError
from lamella.network.activations import Address, visit
from lamella.network.dataflow import Dataflow, dataflow_of, once
from lamella.network.model import Model
from lamella.places.layout import Layout

__all__ = ["Head", "class_maps", "defined_head", "head_of", "values_at"]

TOLERANCE = 1e-3  # of the largest score, between the head's arithmetic and the network's scores
UNDEFINED = "Not defined for this head: "


def head_of(model: Model) -> Head:
    """The head of a network; found once for each model."""

    def find() -> Head:
        try:
            dataflow = dataflow_of(model)
            return _checked(model, dataflow, read_head(dataflow))
        except OtherHead as other:
            return Head(reason=f"{UNDEFINED}{other}.")

    return once(model, "head", find)


def defined_head(model: Model) -> Head:
    """The head of a network that has one of the two.

    Raises:
        ModelError: its head is another one.
    """
    head = head_of(model)
    if head.reason:
        raise ModelError(head.reason, "Grad-CAM works with any head.")
    return head


def class_maps(model: Model, shown: Tensor) -> Tensor:
    """The network as a fully convolutional one: a map of each class, (image, class, row, column).

    The mean over positions is the score; the bias is in each position. Of a linear layer behind the
    mean this is the same layer as a 1 x 1 convolution before it, so images may have any size.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column).
    Raises:
        ModelError: the head is neither of the two.
    """
    head = defined_head(model)
    if head.class_maps is not None:
        return values_at(model, shown, [head.class_maps])[0]
    assert head.maps is not None
    return _convolved(values_at(model, shown, [head.maps])[0], head)


def values_at(model: Model, shown: Tensor, addresses: Sequence[Address]) -> list[Tensor]:
    """What some operations yield, each (image, channel, row, column), in one forward pass."""
    kept: dict[Address, Tensor] = {}

    def keep(address: Address, value: Tensor) -> None:
        # What follows may overwrite it; and what the network narrows itself is widened for us.
        kept[address] = value.clone().float()

    visitors = {address: partial(keep, address) for address in addresses}
    visit(model.module, model.normalise(shown.to(model.device)), visitors)
    return [kept[address] for address in addresses]


def _convolved(maps: Tensor, head: Head) -> Tensor:
    """The weights at each position: a 1 x 1 convolution."""
    assert head.weight is not None
    return F.conv2d(maps, head.weight[:, :, None, None], head.bias)


def _checked(model: Model, dataflow: Dataflow, head: Head) -> Head:
    """The head, if its arithmetic yields the network's scores for noise.

    Raises:
        OtherHead: it does not.
    """
    assert head.maps is not None and dataflow.scores is not None
    noise = torch.rand(
        (2, model.planes.number, *model.facts.size), generator=torch.Generator().manual_seed(0)
    )
    last = head.class_maps or head.maps
    with torch.no_grad():
        maps, wanted = values_at(
            model, noise, [last, replace(dataflow.scores.address, layout=Layout())]
        )
        own = (maps if head.class_maps else _convolved(maps, head)).mean((2, 3))
    wanted = wanted.flatten(1)
    if own.shape != wanted.shape:
        raise OtherHead(f"{own.shape[1]} maps are averaged, and there are {wanted.shape[1]} scores")
    if not bool((own - wanted).abs().max() <= TOLERANCE * wanted.abs().max().clamp(min=1e-12)):
        raise OtherHead("the mean over positions does not give the scores that the network gives")
    return head
