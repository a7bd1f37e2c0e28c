"""How the result of an operation is read as maps, (image, channel, row, column).

Flow: places -> **layout** -> activations, recording. Tokens are put on their grid, windows in their
places, images that lie along another axis first. It is read off two passes, over one image and over
two: the axis that grows is that of the images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod

import torch
from torch import Tensor

from lamella.errors import ModelError
from lamella.places.codes import FIRST, PADDING, PER_IMAGE, Places, constant


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tensor is read as maps.

    Attributes:
        channel: the axis that numbers the channels.
        images: the axis along which images lie.
        parts: how many entries of that axis an image has: its windows, say.
        alternate: whether images take turns along it, as where tokens come first.
        rows, columns: of the maps, at the network's own size.
        positions: that an image has, those of no place among them.
        order: of the positions of an image, which go where, row by row; None for all, in their
            order.
        apart: how many positions are of no place on the image: class and register tokens.
        placed: whether rows and columns are those of the image; otherwise the positions stand in
            one column.
        straight: whether its own two other axes are the rows and columns, as those of maps are,
            which may then have any size.
    """

    channel: int = 1
    images: int = 0
    parts: int = 1
    alternate: bool = False
    rows: int = 1
    columns: int = 1
    positions: int = 1
    order: tuple[int, ...] | None = field(default=None, hash=False)
    apart: int = 0
    placed: bool = False
    straight: bool = False

    def maps(self, value: Tensor) -> Tensor:
        """A tensor's values as (image, channel, row, column); a view of it where that can be."""
        channel, images = self.channel % value.dim(), self.images
        if self.parts > 1:
            number = value.shape[images] // self.parts
            apart = (self.parts, number) if self.alternate else (number, self.parts)
            value = torch.unflatten(value, images, apart)
            channel += channel > images
            images += self.alternate
        others = [axis for axis in range(value.dim()) if axis not in (images, channel)]
        value = value.permute(images, channel, *others)
        if not others:
            return value[:, :, None, None]
        if self.straight:
            return value
        value = value.flatten(2)
        if not self.placed:
            return value.unsqueeze(-1)
        if value.shape[2] != self.positions:
            raise ModelError(
                f"The network makes {value.shape[2]} tokens of an image here, and {self.positions} "
                "at its own size: where they lie is known of those.",
                "Let it run at its own size.",
            )
        if self.order is not None:
            first, last = self.order[0], self.order[-1]
            if self.order == tuple(range(first, last + 1)):
                value = value[:, :, first : last + 1]
            else:
                value = value[:, :, torch.tensor(self.order, device=value.device)]
        return torch.unflatten(value, 2, (self.rows, self.columns))


def layout_of(
    one: Places | None,
    two: Places | None,
    channel: int,
    shape: Sequence[int],
    double: Sequence[int],
) -> Layout | None:
    """How an operation's result is read; None where its values are not those of single images.

    Args:
        one, two: where the numbers of its result lie, in a pass over one image and over two.
        channel: the axis of its channels.
        shape, double: of these results.
    """
    if not shape or len(shape) != len(double) or shape[channel] != double[channel]:
        return None
    grown = [axis for axis, (a, b) in enumerate(zip(shape, double, strict=True)) if a != b]
    if len(grown) != 1 or double[grown[0]] != 2 * shape[grown[0]]:
        return None
    axis = grown[0]
    parts = shape[axis]
    positions = prod(shape) // shape[channel]
    unplaced = Layout(channel, axis, parts, rows=positions, placed=positions == 1)
    if one is None or two is None or not _steady(one.codes, channel):
        # What happened before cannot be followed: images are believed to come first, one each.
        return unplaced if axis == 0 and parts == 1 else None
    alternate = _alternate(two, axis, parts, channel)
    if alternate is None:
        return None
    codes = one.codes.select(channel, 0)
    place = (codes.flatten() % PER_IMAGE).tolist()
    extra = sum(code < FIRST and code != PADDING for code in place)
    wanted = range(FIRST, FIRST + one.rows * one.columns)
    located = [code for code in place if code >= FIRST]
    if not located or sorted(located) != list(wanted):
        return replace(unplaced, alternate=alternate)
    order: tuple[int, ...] | None = tuple(
        sorted((n for n, code in enumerate(place) if code >= FIRST), key=lambda n: place[n])
    )
    if order == tuple(range(positions)):
        order = None
    grid = one.rows, one.columns
    others = [extent for at, extent in enumerate(shape) if at not in (axis, channel)]
    straight = order is None and parts == 1 and others == list(grid)
    return Layout(channel, axis, parts, alternate, *grid, positions, order, extra, True, straight)


def _steady(codes: Tensor, channel: int) -> bool:
    """Whether all channels of a position lie at the same place."""
    return codes.stride(channel) == 0 or constant(codes, (channel,)) is not None


def _alternate(two: Places, axis: int, parts: int, channel: int) -> bool | None:
    """Whether images take turns along an axis, or come one behind the other; None for neither."""
    codes = two.codes.select(channel, 0).movedim(axis - (axis > channel), 0)
    images, real = codes // PER_IMAGE, codes % PER_IMAGE != PADDING
    at = torch.arange(len(codes)).reshape(-1, *(1,) * (codes.dim() - 1))
    for alternate, expected in ((False, at // parts), (True, at % 2)):
        if bool(((images == expected) | ~real).all()):
            return alternate
    return None
