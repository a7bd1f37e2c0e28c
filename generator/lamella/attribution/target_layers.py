"""The maps that Grad-CAM weighs: of which layer they are, and how they lie on the image.

Flow: heads, dataflow -> **target_layers** -> cam, gradcam. Without a layer's name these are the
last activations with positions. Transformers have tokens instead, one for each patch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lamella.attribution.heads import head_of
from lamella.errors import ModelError, UnknownLayer, did_you_mean
from lamella.network.activations import Address
from lamella.network.dataflow import (
    ATTENTION,
    Dataflow,
    dataflow_of,
    is_tokens,
    once,
    positions,
)
from lamella.network.model import Model
from lamella.network.passes import Op
from lamella.network.units import Layer
from lamella.numbers.upsampling import upsampled
from lamella.places.field import Field
from lamella.places.values import NORMS

NAMED = 3  # layers that carry the maps, named in words
LISTED = 8  # layers that an error names


@dataclass(frozen=True, slots=True)
class LayerMaps:
    """A layer's maps.

    Attributes:
        address: of the operation that yields them.
        field: the receptive field of a position; None where it is the whole image, or not known.
        about: what they are, in words that go on a sentence: "the maps of layer3.0.conv1".
    """

    address: Address
    field: Field | None
    about: str


def layer_maps(model: Model, layer: str = "") -> LayerMaps:
    """The maps of a layer, or the last ones.

    The last convolutional activations are what the head averages. Where a 1 x 1 convolution makes
    maps of classes before the mean, they are what that convolution reads: of the class maps
    themselves one alone would have a weight. Before any other head they are the last result with
    rows and columns that is behind no pooling; of a transformer, the tokens that its last attention
    reads, since behind it a class token holds all that the scores depend on.

    Raises:
        UnknownLayer: there is no layer of that name.
        ModelError: it has no positions, or the network has no layer that has.
    """
    return once(model, f"maps:{layer}", lambda: _find(model, layer))


def spatial_layers(model: Model) -> tuple[str, ...]:
    """The names of the layers that Grad-CAM can be asked for."""
    dataflow = dataflow_of(model)
    return tuple(name for name in model.traced if _of_layer(model, dataflow, name) is not None)


def _find(model: Model, layer: str) -> LayerMaps:
    dataflow = dataflow_of(model)
    if not layer:
        return _last(model, dataflow)
    if layer not in model.traced:
        known = spatial_layers(model)
        raise UnknownLayer(
            f"Grad-CAM: there is no layer {layer!r}.",
            did_you_mean(layer, known, otherwise=f"Layers with maps: {_some(known)}."),
        )
    found = _of_layer(model, dataflow, layer)
    if found is None:
        known = spatial_layers(model)
        raise ModelError(
            f"Grad-CAM: the layer {layer!r} has no maps: its values have no rows and columns.",
            f"Layers with maps: {_some(known)}." if known else "No layer of this network has.",
        )
    return found


def _some(names: tuple[str, ...]) -> str:
    """The last names: what Grad-CAM is mostly asked for."""
    return ("..., " if len(names) > LISTED else "") + ", ".join(names[-LISTED:])


def _of_layer(model: Model, dataflow: Dataflow, layer: str) -> LayerMaps | None:
    address = model.traced[layer].observed
    op = dataflow.at(address.function, address.ordinal)
    if positions(op) > 1 and address.layout.placed:
        return LayerMaps(address, model.traced[layer].layer.field, f"the maps of {layer}")
    return _tokens(op, f"the tokens of {layer}")


def _tokens(op: Op, about: str) -> LayerMaps | None:
    """A sequence of tokens, if it lies on the image."""
    layout = op.layout
    if layout is None or not layout.placed or layout.rows * layout.columns < 2:
        return None
    left_out = {0: "", 1: ", without the class token"}
    more = left_out.get(layout.apart, f", without the {layout.apart} that are of no patch")
    return LayerMaps(op.address, op.value.field, about + more)


def _last(model: Model, dataflow: Dataflow) -> LayerMaps:
    """The last convolutional activations, or what stands for them."""
    head = head_of(model)
    if head.maps is not None:
        op = dataflow.at(head.maps.function, head.maps.ordinal)
        if positions(op) > 1:
            role = f"which {head.layer} reads"
            if head.pool_first:
                role = f"whose means {head.layer} reads"
            return LayerMaps(head.maps, head.field, f"{_carried(dataflow, op)}, {role}")
    last = dataflow.last_maps
    if last is not None and is_tokens(last):
        read = _read_by_attention(dataflow)
        about = "the tokens that the last attention reads" if read else "the last tokens"
        found = _tokens(read or last, about)
    elif last is not None:
        about = f"{_carried(dataflow, last)}, the last before the head"
        found = LayerMaps(last.address, last.value.field, about)
    else:
        known = spatial_layers(model)
        found = _of_layer(model, dataflow, known[-1]) if known else None
    if found is None:
        raise ModelError("Not defined for this network: no layer of it has rows and columns.")
    return found


def _read_by_attention(dataflow: Dataflow) -> Op | None:
    """The normalized tokens that the last attention over all tokens reads."""
    found = [
        place
        for place, op in enumerate(dataflow.ops)
        if op.name in ATTENTION or (op.name == "softmax" and len(op.value.shape) == 4)
    ]
    before = dataflow.ops[: found[-1]] if found else ()
    return next((op for op in reversed(before) if op.name in NORMS and is_tokens(op)), None)


def _carried(dataflow: Dataflow, op: Op) -> str:
    """Whose channels maps carry, in words."""
    runs = [layers for _, layers, _ in op.value.runs or () if layers]
    names = list(dict.fromkeys(dataflow.last_of(layers)[0] for layers in runs))
    if not names:
        return "the last maps"
    if len(names) > NAMED:
        return f"the maps of {len(names)} layers, {names[0]} to {names[-1]}"
    added = " with what is added to them" if any(len(layers) > 1 for layers in runs) else ""
    return f"the maps of {', '.join(names[:-1])}{' and ' if names[1:] else ''}{names[-1]}{added}"


SIDE = 56  # cells of the grid, along each axis


def on_image_grid(maps: Tensor, field: Field | None, size: tuple[int, int]) -> Tensor:
    """Maps, (image, k, row, column), on a grid of SIDE by SIDE that covers the image; see
    numbers/upsampling.py.

    Args:
        field: the receptive field of a position; without it positions are spread evenly.
        size: height and width of the image, in pixels.
    """
    rows, columns = maps.shape[-2:]
    layer = Layer("maps", "maps", 1, rows, columns, field)
    found = upsampled(maps.detach().float().cpu().numpy(), layer, size, SIDE)
    return torch.from_numpy(found).to(maps.device)
