"""A ReLU that lets a gradient through where it would let none: for units that nothing wakes.

Flow: network, function_mode -> **redirect** -> ascend. Behind a ReLU that is zero everywhere no
gradient comes back, and the ascent has nowhere to go. For the first steps, and image by image, such
a gradient is passed on as if the ReLU were not there, wherever it asks for more. A test over the
whole batch would let one live unit starve the dead ones.

Source: the idea is lucid's `redirected_relu_grad`; there it is tested over the batch.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lamella.network.function_mode import FunctionMode

# Clamping functions, and how many arguments they take before torch.nn.functional's `inplace`.
_FLAT = {"relu": 1, "relu_": 1, "relu6": 1, "hardtanh": 3, "hardtanh_": 3, "clamp": 3, "clamp_": 3}
_NOT_IN_PLACE = {"relu_": torch.relu, "hardtanh_": F.hardtanh, "clamp_": torch.clamp}


class Redirected(FunctionMode):
    """While it is entered, ReLUs redirect the gradients of images that would get none."""

    def handles(self, name: str) -> bool:
        return name in _FLAT

    def call(
        self, name: str, ordinal: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        before = args[0] if args else None
        if not isinstance(before, Tensor) or not before.requires_grad:
            return func(*args, **kwargs)
        in_place = name.endswith("_") or bool(
            kwargs.pop("inplace", False) or any(args[_FLAT[name] :])
        )
        args = args[: _FLAT[name]]
        flat = _NOT_IN_PLACE.get(name, func)
        # torch's own annotations end at `apply`.
        after: Tensor = _Passing.apply(  # type: ignore[no-untyped-call]
            before, lambda x: flat(x, *args[1:], **kwargs)
        )
        return before.copy_(after) if in_place else after


class _Passing(torch.autograd.Function):
    """A clamping function whose gradient is that of the identity, for images that get none."""

    @staticmethod
    def forward(ctx: Any, before: Tensor, flat: Any) -> Tensor:
        after: Tensor = flat(before.detach())
        # Masks, not values: those may be overwritten in place.
        ctx.save_for_backward(before == after, before < after)
        return after

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        open_, below = ctx.saved_tensors
        axes = tuple(range(1, gradient.dim()))
        passed = torch.where(open_, gradient, 0)
        starved = (passed == 0).all(dim=axes, keepdim=True) if axes else passed == 0
        # Where it is clamped from below only more is of use; from above, only less.
        useful = torch.where(below, gradient > 0, gradient < 0)
        return torch.where(starved, torch.where(useful, gradient, 0), passed), None
