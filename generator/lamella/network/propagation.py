"""What one torch operation does to a receptive field and to the origin of channels.

Flow: **propagation** -> recording -> trace. One rule per kind of operation. An operation without a
rule makes both unknown, never wrong. Formulas: Araujo, Norris and Sim, Distill 2019,
doi:10.23915/distill.00021.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lamella.network.units import Field

ACTIVATIONS = frozenset(
    [
        "relu",
        "relu6",
        "hardtanh",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "mish",
        "softplus",
        "softsign",
        "hardswish",
        "hardsigmoid",
        "sigmoid",
        "tanh",
        "prelu",
        "rrelu",
        "logsigmoid",
    ]
)
NORMS = frozenset(["batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"])
IDENTITIES = frozenset(
    ["dropout", "dropout1d", "dropout2d", "alpha_dropout", "contiguous", "clone", "to", "float"]
)

# A run of channels: how many, the (layer, offset) pairs they carry, positions per source channel.
Run = tuple[int, tuple[tuple[str, int], ...], int]


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of one tensor of a forward pass.

    Attributes:
        shape: with the batch first.
        axis: the axis of its channels.
        field: None where it sees the whole image, or where that is unknown.
        runs: whose channels it carries; None where unknown.
    """

    shape: tuple[int, ...]
    axis: int = 1
    field: Field | None = None
    runs: tuple[Run, ...] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One operation: the shape of its result, its operands, its arguments."""

    name: str
    shape: tuple[int, ...]
    operands: Sequence[Value]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def first(self) -> Value:
        return self.operands[0]

    def argument(self, at: int, name: str, default: Any = None) -> Any:
        """An argument, however it was passed."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[at] if len(self.args) > at else default


def result_of(call: Call) -> Value:
    """What is known of the result of an operation."""
    rule = _RULES.get(call.name)
    known = rule(call) if rule else None
    return known or Value(call.shape, min(1, len(call.shape) - 1))


def convolved(call: Call) -> Field | None:
    """The field of a convolution's result."""
    stride, padding = call.argument(3, "stride", 1), call.argument(4, "padding", 0)
    kernel, dilation = call.argument(1, "weight").shape[2:], call.argument(5, "dilation", 1)
    return _window(call.first.field, kernel, stride, padding, dilation)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, Sequence):
        return int(value[0]), int(value[-1])
    return int(value), int(value)


def _window(
    field: Field | None, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> Field | None:
    """The field behind a sliding window."""
    if field is None:
        return None
    kernels, strides, dilations = _pair(kernel), _pair(stride), _pair(dilation)
    if isinstance(padding, str):
        total = [(k - 1) * d for k, d in zip(kernels, dilations, strict=True)]
        paddings = (total[0] // 2, total[1] // 2) if padding == "same" else (0, 0)
    else:
        paddings = _pair(padding)
    return Field(
        field.rows.after(kernels[0], strides[0], paddings[0], dilations[0]),
        field.columns.after(kernels[1], strides[1], paddings[1], dilations[1]),
    )


def _joined(fields: Sequence[Field | None]) -> Field | None:
    """The field of a value made of several."""
    first, *rest = fields
    for other in rest:
        if first is None or other is None:
            return None
        rows, columns = first.rows.union(other.rows), first.columns.union(other.columns)
        first = Field(rows, columns) if rows and columns else None
    return first


def _summed(one: tuple[Run, ...] | None, other: tuple[Run, ...] | None) -> tuple[Run, ...] | None:
    """The runs of an elementwise sum: at each channel, the sources of both."""
    if one is None or other is None:
        return None
    runs: list[Run] = []
    left, right = list(one), list(other)
    while left and right:
        (n, a, positions), (m, b, others) = left.pop(0), right.pop(0)
        step = min(n, m)
        if positions != others or (positions > 1 and n != m):
            return None
        runs.append((step, a + tuple(pair for pair in b if pair not in a), positions))
        for queue, count, pairs in ((left, n, a), (right, m, b)):
            if count > step:
                moved = tuple((name, offset + step) for name, offset in pairs)
                queue.insert(0, (count - step, moved, positions))
    return None if left or right else tuple(runs)


def _elementwise(call: Call) -> Value | None:
    return call.first if call.shape == call.first.shape else None


def _sum(call: Call) -> Value | None:
    whole = [value for value in call.operands if value.shape == call.shape]
    if not whole:
        return None
    if len(whole) < len(call.operands):  # a gate or bias that acts on whole channels
        return replace(whole[0], field=None)
    if len(whole) == 1:
        return whole[0]
    field = _joined([value.field for value in whole])
    return replace(whole[0], field=field, runs=_summed(whole[0].runs, whole[1].runs))


def _product(call: Call) -> Value | None:
    product = _sum(call)
    whole = [value for value in call.operands if value.shape == call.shape]
    return product and replace(product, runs=whole[0].runs)


def _pool(call: Call) -> Value | None:
    if len(call.shape) != 4 or call.first.axis != 1:
        return None
    kernel, stride = call.argument(1, "kernel_size", 1), call.argument(2, "stride")
    dilation = 1 if call.name.startswith("avg") else call.argument(4, "dilation", 1)
    stride = kernel if stride is None or stride == [] else stride
    field = _window(call.first.field, kernel, stride, call.argument(3, "padding", 0), dilation)
    return replace(call.first, shape=call.shape, field=field)


def _pad(call: Call) -> Value | None:
    """A border, as networks from TensorFlow put one around the image before a convolution.

    Of one value: a reflection shows pixels that lie outside of what the field says.
    """
    pad = call.argument(1, "pad", ())
    plain = call.argument(2, "mode", "constant") == "constant"
    if len(call.shape) != 4 or call.first.axis != 1 or len(pad) not in (2, 4) or not plain:
        return None
    left, top = int(pad[0]), int(pad[2]) if len(pad) == 4 else 0
    field = _window(call.first.field, 1, 1, (top, left), 1)
    return replace(call.first, shape=call.shape, field=field)


def _concatenation(call: Call) -> Value | None:
    axis = call.first.axis
    if call.argument(1, "dim", 0) % len(call.shape) != axis:
        return None
    runs: tuple[Run, ...] | None = ()
    for value in call.operands:
        if value.axis != axis:
            return None
        runs = None if runs is None or value.runs is None else runs + value.runs
    return Value(call.shape, axis, _joined([value.field for value in call.operands]), runs)


def _global_pool(call: Call) -> Value | None:
    axis = call.first.axis
    if len(call.shape) <= axis or call.shape[axis] != call.first.shape[axis]:
        return None
    return Value(call.shape, axis, None, call.first.runs)


def _flatten(call: Call) -> Value | None:
    channels = call.first.shape[1]
    if call.first.axis != 1 or len(call.shape) != 2 or call.shape[1] % channels:
        return None
    per, runs = call.shape[1] // channels, call.first.runs
    wide = runs and tuple((n * per, pairs, positions * per) for n, pairs, positions in runs)
    return Value(call.shape, 1, call.first.field if per == 1 else None, wide)


def _permutation(call: Call) -> Value | None:
    order = call.argument(1, "dims")
    order = order if isinstance(order, Sequence) else call.args[1:]
    axis = [dim % len(call.shape) for dim in order].index(call.first.axis)
    return replace(call.first, shape=call.shape, axis=axis)


_RULES: dict[str, Callable[[Call], Value | None]] = {
    **dict.fromkeys([*ACTIVATIONS, *NORMS, *IDENTITIES], _elementwise),
    **dict.fromkeys(
        ["local_response_norm", "clamp", "softmax", "div", "__truediv__"], _elementwise
    ),
    **dict.fromkeys(["add", "sub", "__add__", "__radd__", "__iadd__", "__sub__"], _sum),
    **dict.fromkeys(["mul", "__mul__", "__rmul__", "__imul__"], _product),
    **dict.fromkeys(["max_pool2d", "avg_pool2d", "_max_pool2d", "boolean_dispatch"], _pool),
    "pad": _pad,
    **dict.fromkeys(["cat", "concat", "concatenate"], _concatenation),
    **dict.fromkeys(["adaptive_avg_pool2d", "adaptive_max_pool2d", "mean", "amax"], _global_pool),
    **dict.fromkeys(["flatten", "view", "reshape", "squeeze"], _flatten),
    "permute": _permutation,
}
