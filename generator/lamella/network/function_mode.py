"""Every torch function that a network calls while it runs, and what is done in its place.

Flow: model -> **function_mode** -> activations, folding, guided, attention, redirect. A
`TorchFunctionMode` sees each call, whether a module, `torch.nn.functional` or a method of a tensor
made it. No hook is left behind, and the user's module is never touched.
"""

from abc import abstractmethod
from collections.abc import Iterator
from inspect import signature
from itertools import count
from types import FunctionType
from typing import Any

import torch.nn.functional as F
from torch.overrides import TorchFunctionMode


class FunctionMode(TorchFunctionMode):
    """While it is entered, `call` stands for each torch function that it `handles`.

    `nn.MultiheadAttention` is one function to torch, which hides its projections: its body runs
    instead, so that they are seen.
    """

    def __init__(self) -> None:
        super().__init__()
        # By name; None for functions that run as they are. One look-up in each call: this is part
        # of every step of an ascent.
        self._ordinals: dict[str, Iterator[int] | None] = {}

    @abstractmethod
    def handles(self, name: str) -> bool:
        """Whether calls of a torch function go through `call`; asked once for each name."""

    @abstractmethod
    def call(
        self, name: str, ordinal: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """What one call returns.

        Args:
            ordinal: how many calls of this name came before it, since the mode was made.
            func: the function itself, which the mode does not see from in here.
        """

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is F.multi_head_attention_forward:
            return self._opened(args, kwargs or {})
        name = getattr(func, "__name__", "")
        try:
            ordinals = self._ordinals[name]
        except KeyError:
            ordinals = self._ordinals[name] = count() if self.handles(name) else None
        if ordinals is None:
            return func(*args, **(kwargs or {}))
        return self.call(name, next(ordinals), func, args, kwargs or {})

    def _opened(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        stated = _ARGUMENTS.bind(*args, **kwargs)
        asked = stated.arguments.get("need_weights", True)
        stated.arguments["need_weights"] = False  # its other way of computing hides the heads
        with self:
            result, _ = _attention(*stated.args, **stated.kwargs)
        if not asked:
            return result, None
        return result, F.multi_head_attention_forward(*args, **kwargs)[1]


_ARGUMENTS = signature(F.multi_head_attention_forward)
# The same body, which does not ask whether a mode stands for it.
_attention = FunctionType(
    F.multi_head_attention_forward.__code__,
    {**vars(F), "has_torch_function": lambda _: False},
    "multi_head_attention_forward",
    F.multi_head_attention_forward.__defaults__,
)
