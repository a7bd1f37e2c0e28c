"""What one torch operation does to the places of numbers, and to the origin of channels.

Flow: elementwise, contracting, rearranging, windows -> **rules** -> recording. An operation without
a rule makes both unknown, never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from lamella.places.codes import Places, raster
from lamella.places.contracting import attended, einsum, linear, multiplied
from lamella.places.elementwise import along, factored, normalized, reduced, summed
from lamella.places.rearranging import REARRANGING, rearranged
from lamella.places.values import ACTIVATIONS, IDENTITIES, NORMS, Call, Value
from lamella.places.windows import convolved, pooled, stretched, transposed


def _maps(find: Callable[[Call], Places | None]) -> Callable[[Call], Value | None]:
    """The rule of an operation that makes maps of maps, channel by channel."""

    def rule(call: Call) -> Value | None:
        return call.made(find(call), along(call), 1) if len(call.shape) == 4 else None

    return rule


# Operations that leave each number what it is, or only narrow it.
SAME = IDENTITIES | {
    *("feature_dropout", "half", "bfloat16", "double", "type_as", "detach", "requires_grad_"),
}
_RULES: dict[str, Callable[[Call], Value | None]] = {
    **dict.fromkeys([*ACTIVATIONS, *SAME], factored),
    **dict.fromkeys(
        [
            "exp",
            "log",
            "log1p",
            "expm1",
            "sqrt",
            "rsqrt",
            "pow",
            "square",
            "neg",
            "abs",
            "sign",
            "sin",
            "cos",
            "clamp",
            "clamp_min",
            "clamp_max",
            "erf",
            "reciprocal",
            "nan_to_num",
            "threshold",
            "masked_fill",
            "round",
            "floor",
            "div",
            "true_divide",
            "mul",
            "multiply",
            "maximum",
            "minimum",
            "where",
            "addcmul",
            "exp2",
            "log2",
            "log10",
            "logaddexp",
            "sinh",
            "cosh",
            "tan",
            "atan",
            "arctan",
            "asinh",
            "sinc",
            "ceil",
            "trunc",
            "clip",
            "divide",
            "negative",
            "absolute",
            "fmax",
            "fmin",
            "heaviside",
            "hardshrink",
            "softshrink",
            "tanhshrink",
            "erfc",
            "special_erf",
            "special_expit",
            "float_power",
            "xlogy",
            "gt",
            "ge",
            "lt",
            "le",
            "eq",
            "ne",
            "logical_not",
            "logical_and",
            "logical_or",
            "__gt__",
            "__ge__",
            "__lt__",
            "__le__",
            "__eq__",
            "__ne__",
            "__neg__",
            "__pow__",
            "__rpow__",
            "__abs__",
            "__truediv__",
            "__itruediv__",
            "__rtruediv__",
            "__mul__",
            "__rmul__",
            "__imul__",
            "__ipow__",
            "__rdiv__",
            "__div__",
        ],
        factored,
    ),
    **dict.fromkeys(
        [
            "add",
            "sub",
            "rsub",
            "subtract",
            "lerp",
            "__add__",
            "__radd__",
            "__iadd__",
            "__sub__",
            "__rsub__",
            "__isub__",
        ],
        summed,
    ),
    **dict.fromkeys(
        [*NORMS, "local_response_norm", "softmax", "log_softmax", "normalize"], normalized
    ),
    **dict.fromkeys(
        [
            "mean",
            "sum",
            "amax",
            "amin",
            "max",
            "min",
            "std",
            "var",
            "norm",
            "logsumexp",
            "adaptive_avg_pool1d",
            "adaptive_avg_pool2d",
            "adaptive_max_pool2d",
        ],
        reduced,
    ),
    **dict.fromkeys(["max_pool2d", "avg_pool2d", "_max_pool2d", "boolean_dispatch"], _maps(pooled)),
    **dict.fromkeys(["interpolate", "upsample"], _maps(stretched)),
    **dict.fromkeys(["matmul", "bmm", "baddbmm", "__matmul__", "__rmatmul__", "mm"], multiplied),
    "einsum": einsum,
    "scaled_dot_product_attention": attended,
}


# Those that make each number of the numbers at its own place.
ELEMENTWISE = frozenset(name for name, rule in _RULES.items() if rule in (factored, summed))


def results_of(
    call: Call, func: Callable[..., Any], shapes: Sequence[Sequence[int]]
) -> list[Value]:
    """What is known of the results of an operation.

    Args:
        func: the torch function that was called.
        shapes: of its results; of one, where it is no sequence of them.
    """
    if call.name in REARRANGING:
        return rearranged(call, func, shapes)
    rule = _RULES.get(call.name)
    found = []
    for shape in shapes:
        one = Call(
            call.name,
            tuple(shape),
            call.operands,
            call.args,
            call.kwargs,
            call.origins,
            call.values,
        )
        found.append((rule(one) if rule else None) or one.made(None, None))
    return found


def layer_of(call: Call, name: str) -> Value:
    """What is known of the result of an operation with learned kernels.

    Args:
        name: of the layer.
    """
    if call.name not in ("conv2d", "conv_transpose2d"):
        return linear(call, name)
    places = convolved(call) if call.name == "conv2d" else transposed(call)
    if places is None and len(call.shape) == 4 and call.first.places is None:
        # Behind what cannot be followed: maps of a convolution are believed to lie on the image.
        places = raster(torch.arange(call.shape[0]), call.shape, None)
    return call.made(places, call.origins.of_layer(name, call.shape, 1), 1)
