"""Operations that leave each number what it is and put it elsewhere.

Flow: codes, values -> **rearranging** -> rules. They are carried out on the codes themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lamella.places.codes import EXTRA, FIRST, PADDING, PER_IMAGE, Places
from lamella.places.elementwise import along
from lamella.places.field import joined
from lamella.places.origins import NONE
from lamella.places.values import Call, Value
from lamella.places.windows import padded

REARRANGING = frozenset(
    [
        "view",
        "reshape",
        "view_as",
        "reshape_as",
        "flatten",
        "unflatten",
        "ravel",
        "permute",
        "transpose",
        "swapaxes",
        "swapdims",
        "movedim",
        "moveaxis",
        "t",
        "squeeze",
        "unsqueeze",
        "expand",
        "expand_as",
        "repeat",
        "tile",
        "repeat_interleave",
        "chunk",
        "split",
        "tensor_split",
        "unsafe_chunk",
        "unsafe_split",
        "unbind",
        "select",
        "narrow",
        "__getitem__",
        "index_select",
        "roll",
        "flip",
        "rot90",
        "pad",
        "cat",
        "concat",
        "concatenate",
        "stack",
        "hstack",
        "vstack",
        "unfold",
        "pixel_shuffle",
        "pixel_unshuffle",
        "channel_shuffle",
        "native_channel_shuffle",
        "glu",
        "__get__",
    ]
)
_JOINING = frozenset(["cat", "concat", "concatenate", "stack", "hstack", "vstack"])
_FLOATS = frozenset(["pad", "unfold", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle"])


def rearranged(
    call: Call, func: Callable[..., Any], shapes: Sequence[Sequence[int]]
) -> list[Value]:
    """What is known of the results: of one, or of the parts that a tensor was split into.

    Args:
        func: the torch function that was called.
        shapes: of its results.
    """
    placed = [value.places for value in call.operands if value.places is not None]
    located = [each for each in placed if each.located] or placed
    if call.name == "pad" and _is_border(call):
        return [call.made(padded(call), along(call), 1)]
    channels = _carried_out(call, func, _channels, NONE)
    codes = _carried_out(call, func, _places, PADDING)
    if len({(each.rows, each.columns) for each in located}) != 1:
        codes = []
    found = []
    for at, shape in enumerate(shapes):
        places = None
        if at < len(codes):
            field, gated = joined([each.field for each in located]), any(p.gated for p in placed)
            places = Places(codes[at], located[0].rows, located[0].columns, field, gated)
        one = replace(call, shape=tuple(shape))
        found.append(one.made(places, channels[at] if at < len(channels) else None))
    return found


def _is_border(call: Call) -> bool:
    """Whether a padding puts a border around maps."""
    pad, first = call.argument(1, "pad", ()), call.first
    return len(first.shape) == 4 and first.axis == 1 and len(pad) in (2, 4)


def _places(value: Value) -> Tensor | None:
    return value.places.codes if value.places is not None else None


def _channels(value: Value) -> Tensor | None:
    return value.channels


class _Unknown(Exception):
    """Of an operand nothing is known."""


def _carried_out(
    call: Call, func: Callable[..., Any], codes_of: Callable[[Value], Tensor | None], fill: int
) -> list[Tensor]:
    """The codes of the results; none where they cannot be told.

    Args:
        codes_of: those of an operand.
        fill: the code of what an operation adds of its own.
    """

    def codes(given: Any) -> Any:
        if isinstance(given, list | tuple):
            return type(given)(codes(one) for one in given) if _holds_known(call, given) else given
        value = call.values.get(id(given)) if isinstance(given, Tensor) else None
        if value is None:
            return given
        own = codes_of(value)
        if own is None:
            raise _Unknown
        # What an operation adds is zero, which has to become `fill`.
        return (own - fill).double() if call.name in _FLOATS else own - fill

    try:
        if call.name in _JOINING:
            args: Any = (_parts(call, codes_of, fill), *call.args[1:])
        else:
            args = codes(call.args)
        kwargs = {name: codes(given) for name, given in call.kwargs.items() if name != "tensors"}
        result = _plain(call, func)(*args, **kwargs)
    except Exception:  # the operation takes no whole numbers, or more than tensors were named
        return []
    parts = result if isinstance(result, list | tuple) else [result]
    return [part.long() + fill for part in parts]


def _holds_known(call: Call, given: Sequence[Any]) -> bool:
    return any(isinstance(one, Tensor) and id(one) in call.values for one in given)


def _plain(call: Call, func: Callable[..., Any]) -> Callable[..., Any]:
    """The operation, not in place; of a border the size alone counts."""
    if call.name == "pad":
        return lambda given, pad, *_, **__: F.pad(given, pad)
    if call.name in ("view", "view_as"):  # codes lie in memory as they like
        return Tensor.reshape if call.name == "view" else Tensor.reshape_as
    if call.name == "glu":
        return lambda given, dim=-1: given.chunk(2, dim)[0]
    if getattr(func, "__name__", "").endswith("_") and not call.name.endswith("__"):
        plain: Callable[..., Any] = getattr(Tensor, call.name)
        return plain
    return func


def _parts(call: Call, codes_of: Callable[[Value], Tensor | None], fill: int) -> list[Tensor]:
    """The codes of all that is joined. What does not come from the image is tokens of no patch, or
    channels of no layer."""
    given = call.argument(0, "tensors")
    values = [call.values.get(id(one)) for one in given]
    known = [value for value in values if value is not None]
    like = codes_of(known[0])
    if like is None:
        raise _Unknown
    axis = call.argument(1, "dim", 0) % like.dim()
    of_channels = axis == known[0].axis
    extra = EXTRA
    if codes_of is _places:
        own = [codes % PER_IMAGE for value in known if (codes := codes_of(value)) is not None]
        used = [
            int(each[(each >= EXTRA) & (each < FIRST)].max())
            for each in own
            if bool(((each >= EXTRA) & (each < FIRST)).any())
        ]
        extra = max(used, default=EXTRA - 1) + 1
    found = []
    for one, value in zip(given, values, strict=True):
        if value is not None:
            own_codes = codes_of(value)
            if own_codes is None:
                raise _Unknown
            found.append(own_codes - fill)
            continue
        shape = list(like.shape)
        shape[axis] = one.shape[axis]
        codes = like.narrow(axis, 0, 1).expand(shape)
        if codes_of is _places and not of_channels:
            number = torch.arange(extra, extra + shape[axis])
            extra += shape[axis]
            numbers = number.reshape(-1, *(1,) * (like.dim() - axis - 1))
            codes = codes // PER_IMAGE * PER_IMAGE + numbers
        elif codes_of is _channels and of_channels:
            raise _Unknown
        found.append(codes - fill)
    return found
