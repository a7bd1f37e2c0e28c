"""Values inside a network while it runs.

Flow: model, function_mode -> **activations** -> survey, attribution, analyses. Each torch operation
of the pass hands out its result the moment it is produced: later in-place operations cannot spoil
it. It needs no symbolic trace, so control flow is no obstacle.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from lamella.errors import ModelError, said
from lamella.network.function_mode import FunctionMode
from lamella.network.remedies import is_of_shape
from lamella.places.layout import Layout

# Calls that read a tensor without computing one: attribute access arrives as "__get__".
READS = frozenset({"__get__", "__set__", "size", "dim", "numel", "stride", "is_contiguous"})


@dataclass(frozen=True, slots=True)
class Anchor:
    """The call of a layer's weights, by which it is known that a pass is the one that was traced.

    Attributes:
        function, ordinal: of the call.
        parameter: the name of the weight that it is given; "" where that is computed.
        calls: how many torch functions are called from there to the value that is looked at.
    """

    function: str
    ordinal: int
    parameter: str = ""
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Address:
    """One operation of a forward pass: the `ordinal`-th call of the torch function `function`.

    Attributes:
        layout: how its result is read as maps.
        anchor: of a layer's value, the call of its weights.
    """

    function: str
    ordinal: int
    layout: Layout = field(default_factory=Layout)
    anchor: Anchor | None = None


class Watch(FunctionMode):
    """Calls `see(function, ordinal, result, args, kwargs)` after each torch operation."""

    def __init__(self, see: Callable[[str, int, Any, tuple[Any, ...], dict[str, Any]], None]):
        super().__init__()
        self.see = see

    def handles(self, name: str) -> bool:
        return name not in READS

    def call(
        self, name: str, ordinal: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        result = func(*args, **kwargs)
        self.see(name, ordinal, result, args, kwargs)
        return result


ONE_BY_ONE = (
    "It runs on one image alone: images are given to it one after the other, which takes longer."
)


class OneAlone(ModelError):
    """A network runs on one image, and not on two at once."""


class OneByOne:
    """The forward pass of a network, one image at a time."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.own = network.__dict__.get("forward")

    def __call__(self, images: Tensor) -> Any:
        """What it gives for images, (image, channel, row, column), joined along the first axis."""
        forward = self.own or type(self.network).forward.__get__(self.network)
        results = [forward(one) for one in torch.split(images, 1)]
        return results[0] if len(results) == 1 else tree_map(_joined, *results)


def _joined(*parts: Any) -> Any:
    return torch.cat(parts) if isinstance(parts[0], Tensor) and parts[0].dim() else parts[0]


def let_run_one_by_one(network: nn.Module) -> None:
    """Have a network take any number of images, one after the other."""
    network.forward = OneByOne(network)


def runs_one_by_one(network: nn.Module) -> bool:
    """Whether it does."""
    return isinstance(network.__dict__.get("forward"), OneByOne)


def runs_of(network: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
    """Images in runs that pass through a network in one go."""
    return torch.split(images, 1) if runs_one_by_one(network) else (images,)


class AnotherPath(ModelError):
    """The network did not run the operations that it ran when it was traced.

    Attributes:
        addresses: of the values that were not where they were; all others were.
    """

    def __init__(self, ways: Mapping[Address, str]) -> None:
        super().__init__(
            f"The network took another path than when it was traced: {next(iter(ways.values()))}.",
            "Its forward pass may depend on the values of its input or on chance; leave those "
            "layers out with [analysis] layers.",
        )
        self.addresses = frozenset(ways)


def _unnarrowed(device: str) -> AbstractContextManager[object]:
    """Outside of any autocast that the network entered; other devices have none."""
    return torch.autocast(device, enabled=False) if device in {"cpu", "cuda"} else nullcontext()


class _Reached(BaseException):
    """Ends a forward pass; no `except Exception` of the user's network may swallow it."""


def visit(
    network: nn.Module,
    inputs: Tensor,
    visitors: Mapping[Address, Callable[[Tensor], None]],
) -> None:
    """Run the network and show each visitor its value, (image, channel, row, column).

    Stops behind the last of them. A visitor sees the value when it is produced and must copy what
    it wants to keep. That a value is the layer's, and not another's on another path, is seen by the
    weights that it was computed with.

    Raises:
        AnotherPath: it did not run the operations that it ran when it was traced. Who waits for a
            value that is where it was has been shown it.
        ModelError: the network does not run on images of that size.
    """
    if len(inputs) > 1 and runs_one_by_one(network):
        _one_by_one(network, inputs, visitors)
        return
    waiting = {(address.function, address.ordinal): address for address in visitors}
    anchors = {
        (anchor.function, anchor.ordinal): anchor
        for address in visitors
        if (anchor := address.anchor) is not None
    }
    passed: dict[Anchor, int] = {}
    others: dict[Anchor, str] = {}
    lost: dict[Address, str] = {}
    called, own = 0, None  # an error of a visitor's own, which is not the network's

    def see(name: str, ordinal: int, result: Any, args: Any, kwargs: Any) -> None:
        nonlocal called, own
        called += 1
        anchor = anchors.get((name, ordinal))
        if anchor is not None:
            weight = args[1] if len(args) > 1 else kwargs["weight"]
            if not anchor.parameter or weight is network.get_parameter(anchor.parameter):
                passed[anchor] = called
            else:
                others[anchor] = (
                    f"{anchor.parameter!r} is not what call {ordinal} of {name!r} reads"
                )
        address = waiting.pop((name, ordinal), None)
        since = address.anchor if address is not None else None
        if address is not None and since and called - passed.get(since, -1) != since.calls:
            lost[address] = others.get(since, f"call {ordinal} of {name!r} is another")
        elif address is not None:
            # What a network narrows itself is widened; ours is not computed by its rules.
            with _unnarrowed(result.device.type):
                values = address.layout.maps(result).float()
                try:
                    visitors[address](values)
                except RuntimeError as error:
                    own = error
                    raise
        if not waiting:
            raise _Reached

    try:
        with Watch(see):
            network(inputs)
    except _Reached:
        pass
    except RuntimeError as error:
        if error is own or not is_of_shape(error):
            raise
        rows, columns = inputs.shape[2:]
        raise ModelError(
            f"The network does not run on images of {rows} x {columns} pixels: {said(error)}.",
            "This analysis needs a network that runs at other sizes than its own.",
        ) from error
    for (function, ordinal), address in waiting.items():
        lost[address] = f"call {ordinal} of {function!r} did not happen"
    if lost:
        raise AnotherPath(lost)


def _one_by_one(
    network: nn.Module, inputs: Tensor, visitors: Mapping[Address, Callable[[Tensor], None]]
) -> None:
    """As `visit`, where each image has a pass of its own."""
    kept: dict[Address, list[Tensor]] = {address: [] for address in visitors}

    def keeper(address: Address) -> Callable[[Tensor], None]:
        return lambda values: kept[address].append(values.clone())

    for one in torch.split(inputs, 1):
        visit(network, one, {address: keeper(address) for address in visitors})
    for address, visitor in visitors.items():
        visitor(torch.cat(kept[address]))


def cut(network: nn.Module, address: Address) -> Callable[[Tensor], Tensor]:
    """The network up to one operation: maps inputs to (image, channel, row, column)."""

    def forward(inputs: Tensor) -> Tensor:
        kept: list[Tensor] = []
        visit(network, inputs, {address: kept.append})
        return kept[0]

    return forward
