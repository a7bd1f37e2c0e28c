"""Every operation of one forward pass, and which reads the result of which.

Flow: passes, rules -> **recording** -> trace, dataflow. Layers, and scores, are read off it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from lamella.errors import ModelError
from lamella.network.activations import READS, OneAlone, runs_one_by_one
from lamella.network.function_mode import FunctionMode
from lamella.network.passes import (
    KERNELS,
    Kernel,
    Op,
    Pass,
    formula_of,
    forward_kernels,
    is_layer,
    path_of,
)
from lamella.network.remedies import remedy
from lamella.places.codes import raster
from lamella.places.field import Field, ReceptiveField
from lamella.places.origins import Origins
from lamella.places.rules import layer_of, results_of
from lamella.places.values import NORMS, Call, Value

_FROM_OUTSIDE = {"from_numpy", "as_tensor", "tensor"}  # may hold what was computed of the image
_OF_SHAPE = {"zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"}


class _Record(FunctionMode):
    """The operations of one forward pass."""

    def __init__(self, network: nn.Module, image: Tensor) -> None:
        super().__init__()
        self.paths = {id(module): path for path, module in network.named_modules()}
        self.stack: list[str] = []
        self.failed = ""  # the innermost module that raised
        self.ops: list[Op] = []
        self.called = 0
        self.names: set[str] = set()
        self.origins = Origins()
        self.alive: list[Tensor] = []  # so that no id is given twice
        self.known: dict[int, Value] = {}
        self.made_at: dict[int, int] = {}  # the places of the operations, by the ids of results
        self.parameters = {id(one): name for name, one in network.named_parameters()}
        # The parameters that a tensor is made of: those themselves, and what is computed of them.
        self.made_of: dict[int, frozenset[str]] = {
            of: frozenset([name]) for of, name in self.parameters.items()
        } | {id(buffer): frozenset() for buffer in network.buffers()}
        self.matrices = set(self.parameters)  # and their transposes
        self.reader: dict[str, str] = {}  # of each parameter, the first operation on the image
        self.inside: set[str] = set()  # parameters of layers and normalizations
        axis = ReceptiveField()
        places = raster(torch.arange(len(image)), image.shape, Field(axis, axis))
        channels = self.origins.of_image(image.shape)
        self.keep(image, Value(tuple(image.shape), 1, places, channels, self.origins), -1)

    def keep(self, tensor: Tensor, value: Value, place: int) -> None:
        self.alive.append(tensor)
        self.known[id(tensor)], self.made_at[id(tensor)] = value, place

    def handles(self, name: str) -> bool:
        return name == "__get__" or name not in READS

    def call(
        self, name: str, ordinal: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        result = func(*args, **kwargs)
        if name != "__get__":
            self.called += 1
        elif not isinstance(result, Tensor):
            return result  # of its size, say
        given = [
            tensor
            for arg in (*args, *kwargs.values())
            for tensor in (arg if isinstance(arg, tuple | list) else (arg,))
            if isinstance(tensor, Tensor)
        ]
        unseen = given and id(given[0]) not in self.known and id(given[0]) not in self.made_of
        if name in KERNELS and unseen:
            # Behind what cannot be seen (scripted code, numpy): a layer all the same.
            self.keep(given[0], Value.unknown(given[0]), -1)
        if name.endswith("_as"):
            given = given[:1]  # the other one lends its shape
        elif name in _OF_SHAPE:
            given = []
        operands = [tensor for tensor in given if id(tensor) in self.known]
        own = frozenset().union(*(self.made_of.get(id(tensor), ()) for tensor in given))
        results = list(result) if isinstance(result, tuple | list) else [result]
        results = [part for part in results if isinstance(part, Tensor)]
        if not operands:
            if name not in _FROM_OUTSIDE and all(id(tensor) in self.made_of for tensor in given):
                self.derive(results, own)
                if name in ("t", "__get__") and id(given[0]) in self.parameters:
                    self.matrices |= {id(part) for part in results}
            return result
        for parameter in sorted(own):
            self.reader.setdefault(parameter, name)
        if name in NORMS:
            self.inside |= own
        if results:
            self.note(name, ordinal, func, results, args, kwargs, operands)
        return result

    def note(
        self,
        name: str,
        ordinal: int,
        func: Any,
        results: Sequence[Tensor],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        operands: Sequence[Tensor],
    ) -> None:
        """Remember an operation that reads what comes from the image."""
        plain = name if name.endswith("__") else name.rstrip("_")
        call = Call(
            plain, tuple(results[0].shape), [self.known[id(one)] for one in operands], args, kwargs,
            self.origins, self.known,
        )  # fmt: skip
        bounds = call.argument(1, "min_val", -1.0), call.argument(2, "max_val", 1.0)
        if plain == "hardtanh" and bounds == (0, 6):
            plain = "relu6"  # as which nn.ReLU6 is meant, and never negative
        sources = tuple(self.made_at[id(one)] for one in operands)
        op = Op(plain, name, ordinal, Value.unknown(results[0]), self.called, operands=sources)
        if is_layer(plain, args, self.matrices):
            values = [self.layer(op, call)]
        else:
            values = results_of(replace(call, name=plain), func, [tuple(r.shape) for r in results])
        op.value = values[0]
        op.formula = formula_of(plain, func, args, kwargs, self.made_at)
        place = len(self.ops)
        for source in sources:
            if source >= 0:
                self.ops[source].users.append(place)
        self.ops.append(op)
        for part, value in zip(results, values, strict=True):
            self.keep(part, value, place)

    def derive(self, results: Sequence[Tensor], own: frozenset[str]) -> None:
        """Remember what is computed of parameters and constants alone: a scaled kernel, say."""
        for part in results:
            if id(part) not in self.made_of:
                self.alive.append(part)
                self.made_of[id(part)] = own

    def layer(self, op: Op, call: Call) -> Value:
        """Note an operation with learned kernels; what is known of its result."""
        weight: Tensor = call.argument(1, "weight")
        bias = call.argument(2, "bias")
        groups = int(call.argument(6, "groups", 1)) if call.name != "linear" else 1
        for learned in (weight, bias):
            self.inside |= self.made_of.get(id(learned), frozenset())
        parameter = self.parameters.get(id(weight), "")
        op.kernel = Kernel(
            forward_kernels(call.name, weight, groups), bias, call.first, groups, parameter
        )
        path = path_of(parameter) or (self.stack[-1] if self.stack else "") or call.name
        op.layer, call_number = path, 1
        while op.layer in self.names:
            call_number += 1
            op.layer = f"{path}.call{call_number}"
        self.names.add(op.layer)
        return layer_of(call, op.layer)


def recorded(
    network: nn.Module,
    size: tuple[int, int],
    channels: int = 3,
    *,
    memory_format: torch.memory_format = torch.contiguous_format,
    example: Tensor | None = None,
) -> Pass:
    """All operations of a forward pass over one image; the network stays as it is.

    It runs over two images as well, which tells how each result is read, `Op.layout`.

    Args:
        network: in eval mode.
        size: height and width of its input, in pixels.
        channels: of its input.
        memory_format: of the input.
        example: the input, (1, channel, row, column); zeros for None.
    Raises:
        OneAlone: it runs on one image, and not on two at once.
        ModelError: the network does not run on such inputs.
    """
    if example is None:
        anchor = next(network.parameters(), torch.zeros(0))
        example = torch.zeros((1, channels, *size), device=anchor.device)
    one = _recorded(network, example.contiguous(memory_format=memory_format))
    if runs_one_by_one(network):
        for op in one.ops:
            op.double = op.value.twice()
        return one
    try:
        two = example.repeat(2, 1, 1, 1).contiguous(memory_format=memory_format)
        double = _recorded(network, two)
    except ModelError as error:
        raise OneAlone("It runs on one image, but not on two at once.") from error
    doubles = {(op.function, op.ordinal): op.value for op in double.ops}
    for op in one.ops:
        op.double = doubles.get((op.function, op.ordinal))
    return one


def _recorded(network: nn.Module, images: Tensor) -> Pass:
    """All operations of a pass over some images, (image, channel, row, column)."""
    record = _Record(network, images)

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
        # No weight asks for gradients, as a rule: none are kept.
        with torch.enable_grad(), record:
            output = network(images)
    except Exception as error:  # the user's own code may raise anything
        what = "an image" if len(images) == 1 else f"{len(images)} images"
        where = f", in {record.failed}" if record.failed else ""
        raise ModelError(
            f"The network does not run on {what} of {images.shape[2]} x {images.shape[3]} "
            f"pixels{where}: {type(error).__name__}: {error}",
            remedy(error),
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    outside = {name: op for name, op in record.reader.items() if name not in record.inside}
    return Pass(tuple(record.ops), record.made_at.get(id(output), -1), outside)
