"""Products that sum over an axis: linear layers, attention, matrix products, einsum.

Flow: codes, values -> **contracting** -> rules. What is summed over must lie at one place for the
result to lie there as well. In attention, tokens that ask keep their places, and what they are
answered sees the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from string import ascii_letters

from torch import Tensor

from lamella.places.codes import PER_IMAGE, WHOLE, Places
from lamella.places.grids import collapsed, tightened
from lamella.places.values import Call, Value


def linear(call: Call, name: str) -> Value:
    """A linear layer of that name."""
    places = call.first.places and collapsed(call.first.places, (-1,))
    if places is not None:
        places = tightened(places)
        places = replace(places, codes=places.codes.unsqueeze(-1).expand(call.shape))
    axis = len(call.shape) - 1
    return call.made(places, call.origins.of_layer(name, call.shape, axis), axis)


def attended(call: Call) -> Value | None:
    """Scaled dot product attention: places of the queries, channels of the values."""
    query, value = (call.values.get(id(call.argument(*at))) for at in ((0, "query"), (2, "value")))
    places = query.places and collapsed(query.places, (-1,)) if query else None
    if places is not None:
        codes = places.codes.unsqueeze(-1)
        places = Places(
            codes.expand(*codes.shape[:-1], call.shape[-1]), places.rows, places.columns
        )
    channels = value.channels if value else None
    common = None
    if channels is not None:
        common = call.origins.common(channels, (-2,))
        if common is not None and common.dim() == len(call.shape) - 1:
            common = common.unsqueeze(-2).expand(
                *common.shape[:-1], call.shape[-2], common.shape[-1]
            )
    return call.made(places, common)


def multiplied(call: Call) -> Value | None:
    """A matrix product, of two or in batches."""
    one, other = call.argument(0, "input"), call.argument(1, "other", call.kwargs.get("mat2"))
    if call.name in ("__rmatmul__",):
        one, other = other, one
    if call.name == "baddbmm":
        one, other = call.argument(1, "batch1"), call.argument(2, "batch2")
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return None
    if min(one.dim(), other.dim()) < 2:
        return None
    batch = len(call.shape) - 2
    names = ascii_letters[:batch]
    left, right = names[batch - one.dim() + 2 :] + "YX", names[batch - other.dim() + 2 :] + "XZ"
    return _contracted(call, (one, other), (left, right), names + "YZ")


def einsum(call: Call) -> Value | None:
    """An einsum of two operands, written as an equation."""
    equation = call.args[0]
    operands = call.args[1:] if not isinstance(call.args[1], list | tuple) else call.args[1]
    if not isinstance(equation, str) or "->" not in equation or "." in equation:
        return None
    given, _, wanted = equation.replace(" ", "").partition("->")
    return _contracted(call, tuple(operands), tuple(given.split(",")), wanted)


def _contracted(
    call: Call, tensors: Sequence[Tensor], labels: Sequence[str], wanted: str
) -> Value | None:
    """A product of tensors whose axes have labels; those that the result lacks are summed over."""
    extents = dict(zip(wanted, call.shape, strict=True))
    found: Places | None = None
    others = 0
    channels = None
    for tensor, names in zip(tensors, labels, strict=True):
        value = call.values.get(id(tensor))
        if value is None or len(names) != len(value.shape):
            continue
        gone = tuple(at for at, name in enumerate(names) if name not in wanted)
        left = [name for name in names if name in wanted]
        places = value.places and collapsed(value.places, gone) if gone else value.places
        located = places is not None and bool((places.codes % PER_IMAGE != WHOLE).any())
        if places is not None and located and found is None:
            found = replace(places, codes=_arranged(places.codes, left, wanted, extents))
        else:
            others += 1
        if found is None or others:
            common = call.origins.common(value.channels, gone)
            arranged = None if common is None else _arranged(common, left, wanted, extents)
            channels = arranged if arranged is not None else channels
    if found is not None and others:
        found = replace(found, field=None)  # of several places, or of the whole image
    return call.made(found, channels)


def _arranged(codes: Tensor, names: Sequence[str], wanted: str, extents: dict[str, int]) -> Tensor:
    """Codes with the axes of the result, in its order."""
    order = sorted(range(len(names)), key=lambda at: wanted.index(names[at]))
    codes = codes.permute(order)
    for at, name in enumerate(wanted):
        if name not in names:
            codes = codes.unsqueeze(at)
    return codes.expand(*(extents[name] for name in wanted))
