"""Guided backpropagation: rectifiers through which only positive gradients go back.

Flow: model, function_mode -> **guided** -> gradients. Each rectifier of a forward pass, in place or
not, gets the rule put on its result. It is the graph of this one pass that carries the rule: the
network is never touched, and nothing is to be undone.

The rule: of what comes back to a rectifier f only the positive part is taken, times the positive
part of f'. For ReLU that is the paper's, both its masks: closed forwards, or asked for less. GELU,
SiLU, Mish and hard-swish fall a little below zero before they rise. There f' is negative, a
positive gradient would go on as a negative one, and two negative ones would make a positive one; a
rectifier is taken as closed there. (zennit multiplies by f' as it is, captum cuts off the product:
on ReLU, the only one that either knows, all three are the same.)

Sigmoid, tanh and softmax are no rectifiers and keep their gradient. A gate or a share weighs
another value: a negative gradient there says that the value was negative, not that it was unwanted.
So does clamp with another lower bound than 0, which is a guard against division by zero or a hard
tanh. What torch is not called for by name (`x * (x > 0)`, a custom `autograd.Function`, a scripted
function, the inside of a fused recurrent layer) cannot be seen, and keeps its gradient as well.

Source: Springenberg, Dosovitskiy, Brox and Riedmiller 2015, "Striving for simplicity: the all
convolutional net", section 3.4 and figure 1, arXiv:1412.6806.
"""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from lamella.network.function_mode import FunctionMode

# Rectifiers that never fall, by torch's name without underscores.
_RISING = {"relu", "relu6", "threshold", "leaky_relu", "rrelu", "elu", "selu", "celu", "softplus"}
# Those that may fall somewhere, and how to call them other than in place.
_FALLING: dict[str, Callable[..., Tensor]] = {
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "hardswish": F.hardswish,
    "prelu": F.prelu,  # its slope below zero is learned, and may be negative
}
# Those that rectify where they clamp from below at 0, and the name of that bound.
_CLAMPS = {"clamp": "min", "clip": "min", "clamp_min": "min", "hardtanh": "min_val"}
_LOWEST = {"hardtanh": -1.0}  # their bound where none is given


class Guided(FunctionMode):
    """While it is entered, what runs gets a graph in which rectifiers pass on only more."""

    def handles(self, name: str) -> bool:
        plain = name.strip("_")
        rectifier = plain in _RISING or plain in _FALLING or plain in _CLAMPS
        return rectifier and not name.startswith("__")

    def call(
        self, name: str, ordinal: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        plain, kwargs = name.strip("_"), dict(kwargs)
        if plain in _CLAMPS and not _clamps_at_zero(plain, args, kwargs):
            return func(*args, **kwargs)
        before: Tensor = args[0] if args else kwargs.pop("input")
        if not before.requires_grad:
            return func(before, *args[1:], **kwargs)
        in_place = name.endswith("_") or _in_place(plain, args, kwargs)
        # In place on a view of something: a hook on the view is no hook on the whole.
        if plain not in _FALLING and not (in_place and before._is_view()):
            after: Tensor = func(before, *args[1:], **kwargs)
            return _positive(after)
        # A name of its own for what goes in here, whoever else reads the same value.
        inner = before.clone() if in_place else before.view_as(before)
        if plain in _FALLING:
            own = (*args[1:2],) if plain == "prelu" else ()
            kwargs.pop("inplace", None)
            after = _FALLING[plain](_positive(inner), *own, **kwargs)
        else:
            after = func(inner, *args[1:], **kwargs)
        after = _positive(after)
        return before.copy_(after) if in_place else after


def _clamps_at_zero(plain: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call of a clamping function rectifies."""
    given = args[1] if len(args) > 1 else kwargs.get(_CLAMPS[plain], _LOWEST.get(plain))
    return isinstance(given, int | float) and given == 0


# At which place torch.nn.functional takes `inplace`.
_INPLACE = {
    **{"relu": 1, "relu6": 1, "silu": 1, "mish": 1, "hardswish": 1, "selu": 1},
    **{"leaky_relu": 2, "elu": 2, "celu": 2, "threshold": 3, "hardtanh": 3, "rrelu": 4},
}


def _in_place(plain: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call without an underscore writes into what it was given."""
    at = _INPLACE.get(plain)
    return bool(kwargs.get("inplace") or (at is not None and args[at : at + 1] == (True,)))


def _positive(value: Tensor) -> Tensor:
    """The same value; of its gradient only what is positive goes on."""
    if value.requires_grad:
        value.register_hook(_clamped)  # type: ignore[no-untyped-call]
    return value


def _clamped(gradient: Tensor) -> Tensor:
    return gradient.clamp(min=0)
