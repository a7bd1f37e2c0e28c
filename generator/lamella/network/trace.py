"""The layers of a network, read off one forward pass of it.

Flow: recording -> **trace** -> model. Each operation of the pass that has learned kernels is a
layer, observed behind the normalization and the activation function that follow it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from lamella.errors import ModelError
from lamella.network.activations import Address
from lamella.network.propagation import ACTIVATIONS, IDENTITIES, NORMS
from lamella.network.recording import Op, recorded
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


def trace(network: nn.Module, size: tuple[int, int], channels: int = 3) -> tuple[Traced, ...]:
    """The layers of a network in the order in which they run; the network stays as it is.

    Args:
        network: in eval mode.
        size: height and width of its input, in pixels.
        channels: of its input.
    Raises:
        ModelError: it does not run on such an input, or has no layer with learned kernels.
    """
    ops = recorded(network, size, channels).ops
    found = tuple(_described(ops, op) for op in ops if op.layer)
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
    elif op.name == "conv_transpose2d":
        kind = "transposed convolution"
    elif op.groups == 1:
        kind = "convolution"
    else:
        kind = "depthwise convolution" if kernel.shape[1] == 1 else "grouped convolution"
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
