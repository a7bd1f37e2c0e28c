"""What a sliding window, and what stretches or shrinks maps, does to their places.

Flow: places -> **windows** -> propagation. Formulas: Araujo, Norris and Sim, Distill 2019,
doi:10.23915/distill.00021.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lamella.places.codes import Places, nowhere, raster
from lamella.places.field import Field, ReceptiveField
from lamella.places.grids import line
from lamella.places.maps import Maps, maps_of, slid

if TYPE_CHECKING:
    from lamella.places.values import Call

Axis = Callable[[ReceptiveField, int], ReceptiveField | None]


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, Sequence):
        return int(value[0]), int(value[-1])
    return int(value), int(value)


def maps_behind(call: Call, rows: Axis, columns: Axis) -> Places | None:
    """The places of new maps, given how each axis' field follows from the one before."""
    known = call.first.places
    maps = maps_of(known) if known is not None and len(call.first.shape) == 4 else None
    if len(call.shape) != 4 or call.shape[0] != call.first.shape[0]:
        return None
    if maps is None:
        return None
    if not maps.placed:
        return nowhere(maps.images, call.shape)
    return raster(maps.images, call.shape, _field(maps, rows, columns), maps.gated)


def _field(maps: Maps, rows: Axis, columns: Axis) -> Field | None:
    if maps.field is None:
        return None
    down, right = rows(maps.field.rows, 0), columns(maps.field.columns, 1)
    return Field(down, right) if down and right else None


def _sliding(call: Call, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Places | None:
    kernels, strides, dilations = _pair(kernel), _pair(stride), _pair(dilation)
    if isinstance(padding, str):
        total = [(k - 1) * d for k, d in zip(kernels, dilations, strict=True)]
        paddings = (total[0] // 2, total[1] // 2) if padding == "same" else (0, 0)
    else:
        paddings = _pair(padding)

    def after(before: ReceptiveField, at: int) -> ReceptiveField:
        return before.after(kernels[at], strides[at], paddings[at], dilations[at])

    found = maps_behind(call, after, after)
    if found is not None and not found.located and call.first.places is not None:
        # Windows that lie in the place of images: what each position reads is gone through.
        options = {"stride": strides, "padding": paddings, "dilation": dilations}
        return slid(call.first.places, call.shape, kernels, options) or found
    return found


def convolved(call: Call) -> Places | None:
    """Behind a convolution."""
    stride, padding = call.argument(3, "stride", 1), call.argument(4, "padding", 0)
    kernel, dilation = call.argument(1, "weight").shape[2:], call.argument(5, "dilation", 1)
    return _sliding(call, kernel, stride, padding, dilation)


def pooled(call: Call) -> Places | None:
    """Behind a pooling of windows."""
    kernel, stride = call.argument(1, "kernel_size", 1), call.argument(2, "stride")
    dilation = 1 if call.name.startswith("avg") else call.argument(4, "dilation", 1)
    stride = kernel if stride is None or stride == [] else stride
    return _sliding(call, kernel, stride, call.argument(3, "padding", 0), dilation)


def padded(call: Call) -> Places | None:
    """Maps with a border, as networks from TensorFlow put one around the image.

    Of one value: a reflection shows pixels that lie outside of what a field of equal steps says.
    """
    pad = [int(side) for side in call.argument(1, "pad", ())]
    before = pad[2] if len(pad) == 4 else 0, pad[0]
    plain = call.argument(2, "mode", "constant") == "constant"

    def after(axis: ReceptiveField, at: int) -> ReceptiveField | None:
        return axis.after(1, 1, before[at]) if plain else None

    return maps_behind(call, after, after)


def transposed(call: Call) -> Places | None:
    """Behind a transposed convolution: output o reads the inputs i with o = i s - p + d j."""
    kernel, dilation = call.argument(1, "weight").shape[2:], _pair(call.argument(7, "dilation", 1))
    stride, padding = _pair(call.argument(3, "stride", 1)), _pair(call.argument(4, "padding", 0))

    def after(before: ReceptiveField, at: int) -> ReceptiveField | None:
        moved, reach = stride[at], dilation[at] * (kernel[at] - 1)
        last = call.first.shape[2 + at] - 1
        reads = [
            (-(-(o + padding[at] - reach) // moved), (o + padding[at]) // moved)
            for o in range(call.shape[2 + at])
        ]
        low = [min(max(first, 0), last) for first, _ in reads]
        high = [min(max(end, 0), last) for _, end in reads]
        return line(before, low, high, Fraction(1, moved))

    return maps_behind(call, after, after)


def stretched(call: Call) -> Places | None:
    """Behind an interpolation to another size."""
    mode = call.argument(3, "mode", "nearest")
    corners = bool(call.argument(4, "align_corners", False))
    reach = {"nearest": 0, "nearest-exact": 0, "bilinear": 1, "bicubic": 2}.get(mode)

    def after(before: ReceptiveField, at: int) -> ReceptiveField | None:
        given, made = call.first.shape[2 + at], call.shape[2 + at]
        if reach is None or call.argument(6, "antialias", False):
            return None
        low, high = [], []
        for o in range(made):
            if mode == "nearest":
                first = last = o * given // made
            elif mode == "nearest-exact":
                first = last = int((o + 0.5) * given / made)
            else:
                at_input = o * (given - 1) / max(1, made - 1) if corners else None
                where = at_input if at_input is not None else (o + 0.5) * given / made - 0.5
                first, last = int(where // 1) - reach + 1, int(where // 1) + reach
            low.append(min(max(first, 0), given - 1))
            high.append(min(max(last, 0), given - 1))
        return line(before, low, high, Fraction(given, made))

    return maps_behind(call, after, after)


def shrunk(call: Call) -> Places | None:
    """Behind a pooling to a size of its own (adaptive)."""

    def after(before: ReceptiveField, at: int) -> ReceptiveField | None:
        given, made = call.first.shape[2 + at], call.shape[2 + at]
        low = [o * given // made for o in range(made)]
        high = [-(-(o + 1) * given // made) - 1 for o in range(made)]
        return line(before, low, high, Fraction(given, made))

    return maps_behind(call, after, after)
