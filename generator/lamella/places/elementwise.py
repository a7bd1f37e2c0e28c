"""Operations number by number, normalizations, and means over axes.

Flow: codes, values -> **elementwise** -> rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lamella.places.codes import PADDING, PER_IMAGE, WHOLE, Places, constant
from lamella.places.field import joined
from lamella.places.grids import collapsed, tightened
from lamella.places.values import Call, Value
from lamella.places.windows import shrunk


def summed(call: Call) -> Value | None:
    """A sum: at each channel, the origins of all terms."""
    whole = [value for value in call.operands if value.shape == call.shape]
    if not whole:
        return call.made(_together(call), None)
    channels = whole[0].channels
    for other in whole[1:]:
        channels = call.origins.summed(channels, other.channels, whole[0].axis)
    return call.made(_together(call), channels, whole[0].axis)


def factored(call: Call) -> Value | None:
    """Any other function of each number, and of those that lie at the same place of others."""
    whole = [value for value in call.operands if value.shape == call.shape]
    if not whole:
        return call.made(_together(call), None)
    return call.made(_together(call), whole[0].channels, whole[0].axis)


def _together(call: Call) -> Places | None:
    """The places of numbers that are made of one number of each operand.

    A factor of each channel, and what else is of the whole image, leaves places what they are.
    """
    found: Places | None = None
    gated = False
    known_first = sorted(
        call.operands, key=lambda value: (value.shape != call.shape, value.places is None)
    )
    for value in known_first:
        places = _broadcast(value.places, call.shape)
        if found is None:
            found = places
        elif places is None or not _located(places):
            gated = True
            if value.shape == call.shape:  # not a factor: all places have been mixed
                found = replace(found, field=None)
        elif not _located(found):
            gated, found = True, replace(places, field=None)
        else:
            found = _both(found, places)
            if found is None:
                return None
    return found and replace(found, gated=found.gated or gated)


def _both(one: Places, other: Places) -> Places | None:
    """The places of numbers each made of two; None where these lie elsewhere."""
    if (one.rows, one.columns) != (other.rows, other.columns):
        one, other = tightened(one), tightened(other)
    empty, added = (each.codes % PER_IMAGE == PADDING for each in (one, other))
    codes = torch.where(empty, other.codes, one.codes)
    alike = torch.equal(codes, torch.where(added, codes, other.codes))
    if alike and (one.rows, one.columns) == (other.rows, other.columns):
        field = joined([one.field, other.field])
        return replace(one, codes=codes, field=field, gated=one.gated or other.gated)
    # The answers to a few queries that all windows share, say, are added to tokens told apart.
    finer, coarser = sorted((one, other), key=lambda each: -len(torch.unique(each.codes)))
    told = len(torch.unique(finer.codes)) > len(torch.unique(coarser.codes))
    return replace(finer, field=None) if told else None


def _broadcast(places: Places | None, shape: tuple[int, ...]) -> Places | None:
    """An operand's places over the whole of a result."""
    if places is None or tuple(places.codes.shape) == shape:
        return places
    try:
        return replace(places, codes=places.codes.expand(shape))
    except RuntimeError:  # the result is smaller than the operand: no such operation is meant here
        return None


def _located(places: Places) -> bool:
    return bool((places.codes % PER_IMAGE != WHOLE).any())


# Along which axes a function divides what it sees by something made of all of it.
_AXES = {"softmax": (1, -1), "log_softmax": (1, -1), "normalize": (2, 1)}


def normalized(call: Call) -> Value | None:
    """A normalization: where it looks at several places, something of the whole image comes in."""
    value = call.first
    if call.shape != value.shape:
        return None
    if value.places is None or (call.name == "batch_norm" and not call.argument(5, "training")):
        return value
    if call.name in ("layer_norm", "rms_norm"):
        axes = tuple(range(-len(call.argument(1, "normalized_shape")), 0))
    elif call.name in _AXES:
        at, default = _AXES[call.name]
        axes = (call.argument(at, "dim", default),)
    else:
        axes = tuple(range(2, len(call.shape)))
    codes = value.places.codes
    if constant(codes, axes) is not None:
        return value
    return replace(value, places=replace(value.places, gated=True))


def reduced(call: Call) -> Value | None:
    """Numbers mixed along axes: a mean over positions, say."""
    value, kept = call.first, len(call.shape) == len(call.first.shape)
    axes: Any
    if call.name.startswith("adaptive"):
        if call.shape == value.shape:
            return value
        axes = tuple(range(2, len(value.shape)))
        if any(extent != 1 for extent in call.shape[2:]):
            return call.made(shrunk(call), along(call), 1)
    else:
        axes = call.argument(2 if call.name == "norm" else 1, "dim", call.kwargs.get("axis"))
    axes = range(len(value.shape)) if axes is None else axes
    axes = tuple(axes) if isinstance(axes, Sequence | range) else (axes,)
    if not all(isinstance(axis, int) for axis in axes):
        return None
    axes = tuple(axis % len(value.shape) for axis in axes)
    places = value.places and collapsed(value.places, axes)
    channels = call.origins.common(value.channels, axes)
    for axis in sorted(axes) if kept else ():
        places = places and replace(places, codes=places.codes.unsqueeze(axis))
        channels = None if channels is None else channels.unsqueeze(axis)
    return call.made(places, channels)


def along(call: Call) -> Tensor | None:
    """The channels of maps, for maps of another size."""
    if call.first.channels is None or call.first.axis != 1:
        return None
    common = call.origins.common(call.first.channels, (0, 2, 3))
    return None if common is None else common[None, :, None, None].expand(call.shape)
