"""Every operation of one forward pass, and which reads the result of which.

Flow: activations, propagation -> **recording** -> trace, dataflow. The layers are read off it
(trace.py), and so is how the maps of a network become its scores (attribution/heads.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from lamella.errors import ModelError
from lamella.network.activations import Address, Watch
from lamella.network.propagation import NORMS, Call, Value, convolved, result_of
from lamella.network.remedies import remedy
from lamella.network.units import Field, ReceptiveField

_FROM_OUTSIDE = {"from_numpy", "as_tensor", "tensor"}  # may hold what was computed of the image
_KERNELS = {"conv2d": 1, "conv_transpose2d": 1, "linear": -1}  # with the axis of their channels


@dataclass(slots=True)
class Op:
    """One recorded operation.

    Attributes:
        name: of the torch function, without the underscore of what happens in place.
        value: what is known of its result; of the first of several.
        operands: the places of the operations whose results it reads, in their order; -1 for the
            image.
        users: the places of those that read its result.
        layer: the name of the layer that it is; "" for none, and what follows is not set then.
        kernel, bias: its weights as torch was given them.
        source: what the kernels read.
    """

    name: str
    address: Address
    value: Value
    operands: tuple[int, ...] = ()
    users: list[int] = field(default_factory=list)
    layer: str = ""
    kernel: Tensor | None = None
    bias: Tensor | None = None
    source: Value | None = None
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Pass:
    """The operations of one forward pass.

    Attributes:
        output: the place of the operation whose result is the output; -1 where that is no tensor,
            or comes from nothing that was seen.
        outside: parameters that took part, and are of no layer and no normalization: by name, the
            operation that first reads each.
    """

    ops: tuple[Op, ...]
    output: int
    outside: Mapping[str, str] = field(default_factory=dict)


class _Record:
    """The operations of one forward pass."""

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        self.paths = {id(module): path for path, module in network.named_modules()}
        self.stack: list[str] = []
        self.failed = ""  # the innermost module that raised
        self.ops: list[Op] = []
        self.names: set[str] = set()
        self.alive: list[Tensor] = []  # so that no id is given twice
        self.known: dict[int, tuple[Value, int]] = {}
        # The parameters that a tensor is made of: those themselves, and what is computed of them.
        self.made_of: dict[int, frozenset[str]] = {
            id(parameter): frozenset([name]) for name, parameter in network.named_parameters()
        } | {id(buffer): frozenset() for buffer in network.buffers()}
        self.reader: dict[str, str] = {}  # of each parameter, the first operation on the image
        self.inside: set[str] = set()  # parameters of layers and normalizations
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
        given = [
            tensor
            for arg in (*args, *kwargs.values())
            for tensor in (arg if isinstance(arg, tuple | list) else (arg,))
            if isinstance(tensor, Tensor)
        ]
        unseen = given and id(given[0]) not in self.known and id(given[0]) not in self.made_of
        if name in _KERNELS and unseen:
            # Behind what cannot be seen (scripted code, numpy): a layer all the same.
            self.keep(given[0], _unknown(given[0]), -1)
        operands = [self.known[id(tensor)] for tensor in given if id(tensor) in self.known]
        own = frozenset().union(*(self.made_of.get(id(tensor), ()) for tensor in given))
        place = len(self.ops)
        if not operands:
            if name not in _FROM_OUTSIDE and all(id(tensor) in self.made_of for tensor in given):
                self.derive(result, own)
            return
        for parameter in sorted(own):
            self.reader.setdefault(parameter, name)
        if name in NORMS:
            self.inside |= own
        sources = tuple(source for _, source in operands)
        if not isinstance(result, Tensor):
            parts = result if isinstance(result, tuple | list) else ()
            parts = [part for part in parts if isinstance(part, Tensor)]
            for part in parts:
                self.keep(part, _unknown(part), place)
            if parts:
                self.ops.append(Op(name, Address(name, ordinal), _unknown(parts[0]), sources))
            return
        plain = name if name.endswith("__") else name.rstrip("_")
        call = Call(plain, tuple(result.shape), [value for value, _ in operands], args, kwargs)
        if plain == "hardtanh" and _bounds(call) == (0, 6):
            plain = "relu6"  # as which nn.ReLU6 is meant, and never negative
        op = Op(plain, Address(name, ordinal), result_of(call), sources)
        if plain in _KERNELS:
            op.value = self.layer(op, call)
        op.address = replace(op.address, axis=op.value.axis)
        for source in sources:
            if source >= 0:
                self.ops[source].users.append(place)
        self.ops.append(op)
        self.keep(result, op.value, place)

    def derive(self, result: Any, own: frozenset[str]) -> None:
        """Remember what is computed of parameters and constants alone: a scaled kernel, say."""
        parts = result if isinstance(result, tuple | list) else (result,)
        for part in parts:
            if isinstance(part, Tensor) and id(part) not in self.made_of:
                self.alive.append(part)
                self.made_of[id(part)] = own

    def layer(self, op: Op, call: Call) -> Value:
        """Note an operation with learned kernels; what is known of its result."""
        weight: Tensor = call.argument(1, "weight")
        op.groups = int(call.argument(6, "groups", 1)) if call.name != "linear" else 1
        op.kernel = _forward(weight, op.groups) if call.name == "conv_transpose2d" else weight
        op.bias = call.argument(2, "bias")
        for learned in (weight, op.bias):
            self.inside |= self.made_of.get(id(learned), frozenset())
        op.source = call.first
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


def _forward(weight: Tensor, groups: int) -> Tensor:
    """The kernels of a transposed convolution, (channel, input of its group, row, column).

    torch keeps them as (input, channel of its group, row, column).
    """
    apart = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2)
    return apart.reshape(-1, *apart.shape[2:])


def _unknown(part: Tensor) -> Value:
    return Value(tuple(part.shape), min(1, part.dim() - 1))


def _bounds(call: Call) -> tuple[float, float]:
    """Between which values a hardtanh clamps."""
    return call.argument(1, "min_val", -1.0), call.argument(2, "max_val", 1.0)


def recorded(
    network: nn.Module,
    size: tuple[int, int],
    channels: int = 3,
    *,
    images: int = 1,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Pass:
    """All operations of one forward pass over images of zeros; the network stays as it is.

    Args:
        network: in eval mode.
        size: height and width of its input, in pixels.
        channels: of its input.
        images: how many run together.
        memory_format: of the input.
    Raises:
        ModelError: the network does not run on such an input.
    """
    anchor = next(network.parameters(), torch.zeros(0))
    image = torch.zeros((images, channels, *size), device=anchor.device)
    image = image.contiguous(memory_format=memory_format)
    record = _Record(network, image)

    def enter(module: nn.Module, _: object) -> None:
        around = record.stack[-1] if record.stack else ""
        record.stack.append(record.paths.get(id(module), around))

    def leave(module: nn.Module, given: object, output: object) -> None:
        path = record.stack.pop()
        if output is None and not record.failed:  # it raised
            record.failed = path

    hooks = (
        register_module_forward_pre_hook(enter),
        register_module_forward_hook(leave, always_call=True),
    )
    try:
        with torch.no_grad(), Watch(record.see):
            output = network(image)
    except Exception as error:  # the user's own code may raise anything
        what = "an image" if images == 1 else f"{images} images"
        where = f", in {record.failed}" if record.failed else ""
        raise ModelError(
            f"The network does not run on {what} of {size[0]} x {size[1]} pixels{where}: "
            f"{type(error).__name__}: {error}",
            remedy(error),
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    at = record.known[id(output)][1] if id(output) in record.known else -1
    outside = {name: op for name, op in record.reader.items() if name not in record.inside}
    return Pass(tuple(record.ops), at, outside)
