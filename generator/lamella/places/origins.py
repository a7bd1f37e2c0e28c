"""Whose channels the numbers of a tensor carry.

Flow: **origins** -> values, rules. Each number has a code, the same for all positions of a channel;
a table says of each code which layers' channels it stands for: one behind a plain connection,
several behind a sum, none for the image.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lamella.places.codes import constant

Pairs = tuple[tuple[str, int], ...]
# A run of channels: how many, the (layer, offset) pairs they carry, positions per source channel.
Run = tuple[int, Pairs, int]
NONE = -1  # the code of numbers that carry no channel: of a border


class Origins:
    """The table of codes."""

    def __init__(self) -> None:
        self.table: list[Pairs | None] = []

    def new(self, pairs: Sequence[Pairs | None]) -> Tensor:
        """New codes, (channel,)."""
        first = len(self.table)
        self.table += pairs
        return torch.arange(first, len(self.table))

    def of_layer(self, name: str, shape: Sequence[int], axis: int) -> Tensor:
        """The codes of a layer's own channels."""
        codes = self.new([((name, channel),) for channel in range(shape[axis])])
        return spread(codes, shape, axis)

    def of_image(self, shape: Sequence[int]) -> Tensor:
        """The codes of the image's own channels, which are of no layer."""
        return spread(self.new([()] * shape[1]), shape, 1)

    def axis(self, channels: Tensor) -> int | None:
        """The axis along which channels differ; None where there is no single one."""
        varied = [
            axis
            for axis in range(channels.dim())
            if channels.stride(axis) != 0 and self.common(channels, (axis,)) is None
        ]
        return varied[0] if len(varied) == 1 else None

    def common(self, channels: Tensor | None, axes: Sequence[int]) -> Tensor | None:
        """Codes without some axes, along which they must not differ."""
        if channels is None:
            return None
        for axis in axes:
            if channels.stride(axis) == 0:
                channels = channels.narrow(axis, 0, 1)
        axes = tuple(axis % channels.dim() for axis in axes)
        if (first := constant(channels, axes)) is not None:
            return first
        if not bool((channels == NONE).any()):
            return None
        most = len(self.table)  # what a border adds, of no channel, does not count
        high, low = channels.amax(axes), torch.where(channels == NONE, most, channels).amin(axes)
        return high if torch.equal(low, torch.where(high == NONE, most, high)) else None

    def summed(self, one: Tensor | None, other: Tensor | None, axis: int) -> Tensor | None:
        """The codes of an elementwise sum: at each channel, the origins of both."""
        if one is None or other is None:
            return None
        others = [at for at in range(one.dim()) if at != axis]
        left, right = self.common(one, others), self.common(other, others)
        if left is None or right is None:
            return None
        pairs: list[Pairs | None] = []
        for a, b in zip(left.tolist(), right.tolist(), strict=True):
            of_a, of_b = self.table[a], self.table[b]
            both = None
            if of_a is not None and of_b is not None:
                both = of_a + tuple(pair for pair in of_b if pair not in of_a)
            pairs.append(both)
        return spread(self.new(pairs), one.shape, axis)

    def runs(self, channels: Tensor, axis: int) -> tuple[Run, ...] | None:
        """Codes along the axis of channels, in runs; None where they are not known of each."""
        codes = self.common(channels, [at for at in range(channels.dim()) if at != axis])
        if codes is None:
            return None
        origins, repeats = torch.unique_consecutive(codes, return_counts=True)
        found: list[Run] = []
        for code, positions in zip(origins.tolist(), repeats.tolist(), strict=True):
            pairs = self.table[code] if code >= 0 else None
            if pairs is None:
                return None
            if found:
                count, first, each = found[-1]
                done = count // each
                moved = tuple((name, offset + done) for name, offset in first)
                if each == positions and moved == pairs:
                    found[-1] = (count + positions, first, each)
                    continue
            found.append((positions, pairs, positions))
        return tuple(found)


def spread(codes: Tensor, shape: Sequence[int], axis: int) -> Tensor:
    """Codes of channels, (channel,), for a whole tensor."""
    axis = axis % len(shape)
    return codes.reshape(-1, *(1,) * (len(shape) - axis - 1)).expand(tuple(shape))
