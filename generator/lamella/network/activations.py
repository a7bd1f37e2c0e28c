"""Values inside a network while it runs.

Flow: model, function_mode -> **activations** -> survey, attribution, analyses. Each torch operation
of the pass hands out its result the moment it is produced: later in-place operations cannot spoil
it. It needs no symbolic trace, so control flow is no obstacle.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lamella.errors import ModelError
from lamella.network.function_mode import FunctionMode

# Calls that read a tensor without computing one: attribute access arrives as "__get__".
_READS = frozenset({"__get__", "__set__", "size", "dim", "numel", "stride", "is_contiguous"})


@dataclass(frozen=True, slots=True)
class Address:
    """One operation of a forward pass: the `ordinal`-th call of the torch function `function`.

    Attributes:
        axis: which axis of the result numbers the channels.
    """

    function: str
    ordinal: int
    axis: int = 1


class Watch(FunctionMode):
    """Calls `see(function, ordinal, result, args, kwargs)` after each torch operation."""

    def __init__(self, see: Callable[[str, int, Any, tuple[Any, ...], dict[str, Any]], None]):
        super().__init__()
        self.see = see

    def handles(self, name: str) -> bool:
        return name not in _READS

    def call(
        self, name: str, ordinal: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        result = func(*args, **kwargs)
        self.see(name, ordinal, result, args, kwargs)
        return result


def _unnarrowed(device: str) -> AbstractContextManager[object]:
    """Outside of any autocast that the network entered; other devices have none."""
    return torch.autocast(device, enabled=False) if device in {"cpu", "cuda"} else nullcontext()


class _Reached(BaseException):
    """Ends a forward pass; no `except Exception` of the user's network may swallow it."""


def channels_first(value: Tensor, axis: int) -> Tensor:
    """A layer's values as (image, channel, row, column), whatever the layout of the network.

    Vectors get one row and one column, token sequences one column.
    """
    value = value.movedim(axis, 1)
    while value.dim() < 4:
        value = value.unsqueeze(-1)
    return value


def visit(
    network: nn.Module,
    inputs: Tensor,
    visitors: Mapping[Address, Callable[[Tensor], None]],
) -> None:
    """Run the network and show each visitor its value, (image, channel, row, column).

    Stops behind the last of them. A visitor sees the value when it is produced and must copy what
    it wants to keep.

    Raises:
        ModelError: the network did not run the operations that it ran when it was traced.
    """
    waiting = {(address.function, address.ordinal): address for address in visitors}

    def see(name: str, ordinal: int, result: Any, args: object, kwargs: object) -> None:
        address = waiting.pop((name, ordinal), None)
        if address is not None:
            # What a network narrows itself is widened; ours is not computed by its rules.
            with _unnarrowed(result.device.type):
                visitors[address](channels_first(result, address.axis).float())
            if not waiting:
                raise _Reached

    try:
        with Watch(see):
            network(inputs)
    except _Reached:
        return
    if waiting:
        function, ordinal = next(iter(waiting))
        raise ModelError(
            f"The network took another path than when it was traced: call {ordinal} of "
            f"{function!r} did not happen.",
            "Its forward pass may depend on the values of its input or on chance; leave those "
            "layers out with [analysis] layers.",
        )


def cut(network: nn.Module, address: Address) -> Callable[[Tensor], Tensor]:
    """The network up to one operation: maps inputs to (image, channel, row, column)."""

    def forward(inputs: Tensor) -> Tensor:
        kept: list[Tensor] = []
        visit(network, inputs, {address: kept.append})
        return kept[0]

    return forward
