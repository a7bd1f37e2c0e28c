"""The layers of a network, read off one forward pass of it.

Flow: model -> **trace** -> units. Every operation of the pass is recorded; each one with learned
kernels is a layer, observed behind the normalization and the activation function that follow it.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from lamella.activations import Address, Watch
from lamella.errors import ModelError
from lamella.flow import ACTIVATIONS, IDENTITIES, NORMS, Call, Value, convolved, result_of
from lamella.units import Field, Layer, ReceptiveField, Segment

_KERNELS = {"conv2d": 1, "conv_transpose2d": 1, "linear": -1}  # with the axis of their channels


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


@dataclass(slots=True)
class _Op:
    """One recorded operation; `users` are the places of those that read its result."""

    name: str
    address: Address
    value: Value
    users: list[int] = field(default_factory=list)
    layer: str = ""
    kernel: Tensor | None = None
    source: Value | None = None
    groups: int = 1


class _Record:
    """The operations of one forward pass."""

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        self.paths = {id(module): path for path, module in network.named_modules()}
        self.stack: list[str] = []
        self.ops: list[_Op] = []
        self.names: set[str] = set()
        self.alive: list[Tensor] = []  # so that no id is given twice
        self.known: dict[int, tuple[Value, int]] = {}
        axis = ReceptiveField()
        self.keep(
            image, Value(tuple(image.shape), 1, Field(axis, axis), ((image.shape[1], (), 1),)), -1
        )

    def keep(self, tensor: Tensor, value: Value, place: int) -> None:
        self.alive.append(tensor)
        self.known[id(tensor)] = (value, place)

    def see(
        self, name: str, ordinal: int, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        operands = [
            self.known[id(tensor)]
            for arg in (*args, *kwargs.values())
            for tensor in (arg if isinstance(arg, tuple | list) else (arg,))
            if id(tensor) in self.known
        ]
        place = len(self.ops)
        if not operands:
            return
        if not isinstance(result, Tensor):
            for part in result if isinstance(result, tuple | list) else ():
                if isinstance(part, Tensor):
                    self.keep(part, Value(tuple(part.shape), min(1, part.dim() - 1)), -1)
            return
        plain = name if name.endswith("__") else name.rstrip("_")
        call = Call(plain, tuple(result.shape), [value for value, _ in operands], args, kwargs)
        if plain == "hardtanh" and _bounds(call) == (0, 6):
            plain = "relu6"  # as which nn.ReLU6 is meant, and never negative
        op = _Op(plain, Address(name, ordinal), result_of(call))
        if plain in _KERNELS:
            op.value = self.layer(op, call)
        op.address = replace(op.address, axis=op.value.axis)
        for _, source in operands:
            if source >= 0:
                self.ops[source].users.append(place)
        self.ops.append(op)
        self.keep(result, op.value, place)

    def layer(self, op: _Op, call: Call) -> Value:
        """Note an operation with learned kernels; what is known of its result."""
        weight: Tensor = call.argument(1, "weight")
        op.kernel = weight.transpose(0, 1) if call.name == "conv_transpose2d" else weight
        op.source = call.first
        op.groups = int(call.argument(6, "groups", 1)) if call.name == "conv2d" else 1
        path = self.stack[-1] if self.stack and self.stack[-1] else call.name
        op.layer, call_number = path, 1
        while op.layer in self.names:
            call_number += 1
            op.layer = f"{path}.call{call_number}"
        self.names.add(op.layer)
        axis = _KERNELS[call.name] % len(call.shape)
        seen = convolved(call) if call.name == "conv2d" else None
        if call.name == "linear" and len(call.shape) > 2:
            seen = call.first.field
        return Value(call.shape, axis, seen, ((call.shape[axis], ((op.layer, 0),), 1),))

    def behind(self, op: _Op) -> tuple[_Op, _Op]:
        """The operations that yield a layer's activation, and the value before it."""
        observed = target = op
        while len(observed.users) == 1:
            following = self.ops[observed.users[0]]
            same = following.value.shape == op.value.shape and following.value.axis == op.value.axis
            if not same or following.name not in ACTIVATIONS | NORMS | IDENTITIES:
                break
            if following.name in ACTIVATIONS:
                return following, observed
            observed = target = following
        return observed, target


def _bounds(call: Call) -> tuple[float, float]:
    """Between which values a hardtanh clamps."""
    return call.argument(1, "min_val", -1.0), call.argument(2, "max_val", 1.0)


def trace(network: nn.Module, size: tuple[int, int], channels: int = 3) -> tuple[Traced, ...]:
    """The layers of a network in the order in which they run; the network stays as it is.

    Args:
        network: in eval mode.
        size: height and width of its input, in pixels.
        channels: of its input.
    Raises:
        ModelError: it does not run on such an input, or has no layer with learned kernels.
    """
    anchor = next(network.parameters(), torch.zeros(0))
    image = torch.zeros((1, channels, *size), device=anchor.device)
    record = _Record(network, image)

    def enter(module: nn.Module, _: object) -> None:
        around = record.stack[-1] if record.stack else ""
        record.stack.append(record.paths.get(id(module), around))

    def leave(*_: object) -> None:
        record.stack.pop()

    hooks = (
        register_module_forward_pre_hook(enter),
        register_module_forward_hook(leave, always_call=True),
    )
    try:
        with torch.no_grad(), Watch(record.see):
            network(image)
    except Exception as error:  # the user's own code may raise anything
        raise ModelError(
            f"The network does not run on an image of {size[0]} x {size[1]} pixels: "
            f"{type(error).__name__}: {error}",
            "Set [model.preprocessing] size to the size it was trained with.",
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    found = tuple(_described(record, op) for op in record.ops if op.layer)
    if not found:
        raise ModelError(
            "The network has no convolution or linear layer that torch can see.",
            "A scripted or compiled module hides its operations: give the plain nn.Module.",
        )
    return found


def _described(record: _Record, op: _Op) -> Traced:
    assert op.kernel is not None and op.source is not None
    observed, target = record.behind(op)
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
