"""The operations of a forward pass, and which reads the result of which.

Flow: activations, values, layout -> **passes** -> recording, trace, dataflow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

from torch import Tensor

from lamella.network.activations import Address
from lamella.places.layout import Layout, layout_of
from lamella.places.values import Value

KERNELS = frozenset(["conv2d", "conv_transpose2d", "linear"])  # what layers call

# Operations that take of a tensor its shape and type, and none of its numbers.
LIKE = frozenset(
    [f"new_{what}" for what in ("zeros", "ones", "full", "empty", "tensor")]
    + [f"{what}_like" for what in ("zeros", "ones", "full", "empty", "rand", "randn")]
)


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


def inflows(ops: Sequence[Op], layers: Set[str]) -> dict[str, tuple[str, ...]]:
    """For each of these layers, those whose values flow into it with no other of them between, in
    the order of the pass; "" is the image."""
    place = {"": -1}
    behind: list[frozenset[str]] = []  # of each operation, whose values its result is made of
    found = {}
    for op in ops:
        into = frozenset({""} if -1 in op.operands else ())
        into = into.union(*(behind[at] for at in op.operands if at >= 0))
        if op.name in LIKE:
            into = frozenset()
        if op.layer in layers:
            place[op.layer] = len(place)
            found[op.layer] = tuple(sorted(into, key=place.__getitem__))
            into = frozenset({op.layer})
        behind.append(into)
    return found


def path_of(parameter: str) -> str:
    """A layer's name, after its weight: of `layer1.0.conv1.weight` the module, of
    `attention.in_proj_weight` `attention.in_proj`, of a bare parameter its own name."""
    module, _, name = parameter.rpartition(".")
    name = name.removesuffix("weight").rstrip("_")
    return f"{module}.{name}" if module and name else module or name


def forward_kernels(weight: Tensor, groups: int) -> Tensor:
    """The kernels of a transposed convolution, (channel, input of its group, row, column).

    torch keeps them as (input, channel of its group, row, column).
    """
    apart = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2)
    return apart.reshape(-1, *apart.shape[2:])
