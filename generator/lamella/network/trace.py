"""The layers of a network, read off one forward pass of it.

Flow: recording -> **trace** -> model. Each operation of the pass that has learned kernels is a
layer, observed behind the normalization and the activation function that follow it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lamella.errors import ModelError
from lamella.network.activations import Address
from lamella.network.propagation import ACTIVATIONS, IDENTITIES, NORMS
from lamella.network.recording import Op, Pass, recorded
from lamella.network.units import Layer, Segment


@dataclass(frozen=True, slots=True)
class Traced:
    """A layer, and where in a pass its values arise.

    Attributes:
        layer: the layer.
        observed: its activation, behind normalization and activation function.
        target: the value before that activation function, for feature visualization.
        kernel: its weights, (channel, input, row, column).
    """

    layer: Layer
    observed: Address
    target: Address
    kernel: Tensor


@dataclass(frozen=True, slots=True)
class Examination:
    """The layers of a network, and what took part in a pass without being one.

    Attributes:
        traced: in the order in which they run.
        left_out: layers whose values are not one per image, and parameters that no layer reads:
            each by its name, with the reason.
        outside: the names of those parameters.
        outputs: how many numbers the network gives for an image; None where they are no vector.
    """

    traced: tuple[Traced, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    outside: tuple[str, ...] = ()
    outputs: int | None = None


def examined(
    network: nn.Module,
    size: tuple[int, int],
    channels: int = 3,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Examination:
    """The layers of a network, from a pass over one image and one over two.

    A layer whose first axis does not grow with the images has windows, heads or tokens there: its
    values are nobody's, and it is left out.

    Raises:
        ModelError: it does not run on such inputs, or has no layer with learned kernels.
    """
    one = recorded(network, size, channels, memory_format=memory_format)
    found = _layers(one)
    try:
        two = recorded(network, size, channels, images=2, memory_format=memory_format)
    except ModelError as error:
        raise ModelError(
            f"The network runs on one image, but not on two at once: {error.problem}",
            "Let its forward take any number of images: images are surveyed in batches.",
        ) from error
    left_out = []
    kept = []
    shapes = {(op.address.function, op.address.ordinal): op.value.shape for op in two.ops}
    for own in found:
        shape = next(op.value.shape for op in one.ops if op.address == own.observed)
        double = shapes.get((own.observed.function, own.observed.ordinal))
        if shape[0] == 1 and double == (2, *shape[1:]):
            kept.append(own)
        else:
            words = " x ".join(map(str, shape))
            left_out.append((own.layer.name, f"its values are not one per image, but {words}"))
    if not kept:
        raise ModelError(
            f"None of the {len(found)} layers of the network has values for each image: "
            f"{left_out[0][0]}: {left_out[0][1]}."
        )
    left_out += [
        (name, f"a parameter that {operation} reads, which is no layer here")
        for name, operation in one.outside.items()
    ]
    given = one.ops[one.output].value.shape if one.output >= 0 else ()
    outputs = given[1] if len(given) == 2 else None
    left_out += [
        (path, "scripted: its operations cannot be seen, and what its parameters do neither")
        for path, part in network.named_modules()
        if isinstance(part, torch.jit.ScriptModule)
    ]
    return Examination(tuple(kept), tuple(left_out), tuple(one.outside), outputs)


def trace(network: nn.Module, size: tuple[int, int], channels: int = 3) -> tuple[Traced, ...]:
    """The layers of a network in the order in which they run; the network stays as it is.

    Args:
        network: in eval mode.
        size: height and width of its input, in pixels.
        channels: of its input.
    Raises:
        ModelError: it does not run on such an input, or has no layer with learned kernels.
    """
    return _layers(recorded(network, size, channels))


def _layers(seen: Pass) -> tuple[Traced, ...]:
    found = tuple(_described(seen.ops, op) for op in seen.ops if op.layer)
    if not found:
        raise ModelError(
            "The network has no convolution or linear layer that torch can see.",
            "A scripted or compiled module hides its operations: give the plain nn.Module.",
        )
    return found


def _behind(ops: Sequence[Op], op: Op) -> tuple[Op, Op]:
    """The operations that yield a layer's activation, and the value before it."""
    observed = target = op
    while len(observed.users) == 1:
        following = ops[observed.users[0]]
        same = following.value.shape == op.value.shape and following.value.axis == op.value.axis
        if not same or following.name not in ACTIVATIONS | NORMS | IDENTITIES:
            break
        if following.name in ACTIVATIONS:
            return following, observed
        observed = target = following
    return observed, target


def _described(ops: Sequence[Op], op: Op) -> Traced:
    assert op.kernel is not None and op.source is not None
    observed, target = _behind(ops, op)
    kernel = op.kernel.detach()
    kernel = kernel.reshape(*kernel.shape, *(1,) * (4 - kernel.dim()))
    shape, axis = op.value.shape, op.value.axis
    places = [extent for at, extent in enumerate(shape) if at not in (0, axis)] + [1, 1]
    first, sources = 0, []
    for count, layers, positions in op.source.runs or ():
        sources.append(Segment(first, count, layers, positions))
        first += count
    if op.name == "linear":
        kind = "linear"
    else:
        kind = "transposed convolution" if op.name == "conv_transpose2d" else "convolution"
        if op.groups > 1:
            kind = f"{'depthwise' if kernel.shape[1] == 1 else 'grouped'} {kind}"
    layer = Layer(
        name=op.layer,
        kind=kind,
        channels=shape[axis],
        height=places[0],
        width=places[1],
        field=op.value.field,
        kernel=(kernel.shape[2], kernel.shape[3]),
        inputs=kernel.shape[1],
        groups=op.groups,
        activation=observed.name if observed is not target else None,
        sources=tuple(sources),
    )
    return Traced(layer, observed.address, target.address, kernel)
