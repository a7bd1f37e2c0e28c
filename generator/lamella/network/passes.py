"""The operations of a forward pass, and which reads the result of which.

Flow: activations, values, layout -> **passes** -> recording, trace, dataflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lamella.network.activations import Address
from lamella.places.layout import Layout, layout_of
from lamella.places.rules import ELEMENTWISE, SAME
from lamella.places.values import IDENTITIES, Value

KERNELS = frozenset(["conv2d", "conv_transpose2d", "linear"])  # what layers call
MEANS = frozenset({"adaptive_avg_pool2d", "avg_pool2d", "adaptive_avg_pool1d", "mean"})
MAXIMA = frozenset({"adaptive_max_pool2d", "max_pool2d", "boolean_dispatch", "amax", "max"})
MATRICES = frozenset(["matmul", "mm", "__matmul__"])  # are layers too, of a learned matrix
# Operations that leave each number what it is.
PASSING = IDENTITIES | {
    *("flatten", "view", "reshape", "squeeze", "unsqueeze", "permute", "transpose", "movedim"),
    *("__getitem__", "select", "detach", "feature_dropout"),
}
PRODUCTS = frozenset({"mul", "multiply", "__mul__", "__imul__", "__rmul__"})
QUOTIENTS = frozenset({"div", "divide", "true_divide", "__truediv__", "__itruediv__"})
# From scores to probabilities.
ENDS = frozenset({"softmax", "log_softmax", "sigmoid", "logsigmoid"})


@dataclass(frozen=True, slots=True)
class Kernel:
    """The weights of a layer, as a call was given them.

    Attributes:
        weight, bias: bias None where there is none.
        source: what they read.
        parameter: the name of the parameter that the weight is; "" where it is computed of some.
    """

    weight: Tensor
    bias: Tensor | None
    source: Value
    groups: int = 1
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What stands for a tensor that comes from the image: the place of the operation that made
    it."""

    place: int


@dataclass(frozen=True, slots=True)
class Formula:
    """An operation number by number, which can be carried out on other numbers.

    Attributes:
        function: of torch.
        args, kwargs: as it was called, with a `Made` for each tensor that comes from the image.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def constants(self) -> list[Tensor]:
        """What it reads besides: learned parameters, say."""
        return [one for one in (*self.args, *self.kwargs.values()) if isinstance(one, Tensor)]

    def result(self, values: Mapping[int, Tensor], axis: int) -> Tensor:
        """Its result for other operands.

        Args:
            axis: that of the channels, from the end; along others constants must not differ.
        """

        def given(one: Any) -> Any:
            if isinstance(one, Made):
                return values[one.place].clone()  # it may happen in place
            return _constant(one, axis) if isinstance(one, Tensor) else one

        found: Tensor = self.function(
            *(given(one) for one in self.args),
            **{name: given(one) for name, one in self.kwargs.items()},
        )
        return found


@dataclass(slots=True)
class Op:
    """One recorded operation.

    Attributes:
        name: of the torch function, without the underscore of what happens in place.
        function, ordinal: of the torch functions of that name called in a pass, which it is.
        value: what is known of its result; of the first of several.
        double: the same, of a pass over two images; None where that took another way.
        at: how many torch functions were called before it.
        operands: the places of the operations whose results it reads, in their order; -1 for the
            image.
        users: the places of those that read its result.
        layer: the name of the layer that it is; "" for none.
        kernel: its weights, of a layer.
        formula: what it does number by number; None for anything else.
    """

    name: str
    function: str
    ordinal: int
    value: Value
    at: int = 0
    double: Value | None = None
    operands: tuple[int, ...] = ()
    users: list[int] = field(default_factory=list)
    layer: str = ""
    kernel: Kernel | None = None
    formula: Formula | None = None
    _layout: Layout | None = None

    @property
    def layout(self) -> Layout | None:
        """How its result is read as maps; None where its values are not those of single images."""
        if self._layout is None and self.double is not None:
            one, two = self.value, self.double
            self._layout = layout_of(one.places, two.places, one.axis, one.shape, two.shape)
        return self._layout

    @property
    def address(self) -> Address:
        """Where in a pass its result is found."""
        return Address(self.function, self.ordinal, self.layout or Layout(self.value.axis))


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


def weight_of(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What a call reads as weights; None for one that is no layer's."""
    if name in KERNELS or (name in MATRICES and len(args) > 1):
        return args[1] if len(args) > 1 else kwargs["weight"]
    return None


def is_layer(name: str, args: Sequence[Any], learned: Set[int]) -> bool:
    """Whether a call is a layer's; a value's product with a learned matrix is one as well.

    Args:
        learned: the ids of parameters and their transposes.
    """
    matrix = name in MATRICES and len(args) == 2 and id(args[1]) in learned and args[1].dim() == 2
    return matrix or name in KERNELS


def path_of(parameter: str) -> str:
    """A layer's name, after its weight: of `layer1.0.conv1.weight` the module, of
    `attention.in_proj_weight` `attention.in_proj`, of a bare parameter its own name."""
    module, _, name = parameter.rpartition(".")
    name = name.removesuffix("weight").rstrip("_")
    return f"{module}.{name}" if module and name else module or name


def forward_kernels(name: str, weight: Tensor, groups: int) -> Tensor:
    """The kernels of a layer, (channel, input of its group, ...).

    Of a transposed convolution torch keeps them as (input, channel of its group, row, column), and
    a product's matrix is (input, channel).
    """
    if name in MATRICES:
        return weight.t()
    if name != "conv_transpose2d":
        return weight
    apart = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2)
    return apart.reshape(-1, *apart.shape[2:])


def formula_of(
    name: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    made_at: Mapping[int, int],
) -> Formula | None:
    """The formula of a call; None where it is not number by number.

    Nor inside of a `torch.autograd.Function`: nothing is observed where no gradient leads.

    Args:
        made_at: the places of the operations, by the ids of their results.
    """
    if name not in ELEMENTWISE or not torch.is_grad_enabled():
        return None

    def kept(one: Any) -> Any:
        return Made(made_at[id(one)]) if id(one) in made_at else one

    named = {key: kept(one) for key, one in kwargs.items()}
    return Formula(_first if name in SAME else function, tuple(map(kept, args)), named)


def _first(given: Tensor, *_: Any, **__: Any) -> Tensor:
    return given


class _Uneven(Exception):
    """A constant differs from position to position."""


def _constant(given: Tensor, axis: int) -> Tensor:
    """A constant for a line of numbers.

    Raises:
        _Uneven: it differs along another axis than that of the channels.
    """
    found = given.detach().cpu()
    for at in range(-found.dim(), 0):
        if at != axis and found.shape[at] > 1:
            first = found.narrow(at, 0, 1)
            if not torch.equal(first.expand_as(found), found):
                raise _Uneven
            found = first
    return found.double() if found.is_floating_point() else found
