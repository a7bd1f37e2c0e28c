"""The objectives of a unit: a channel over all its positions, or at one.

Flow: objective -> **channel** -> ascend.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007, section
"Optimization Objectives": "neuron" and "channel". The contrast with the layer is our own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lamella.optvis.objective import (
    ONLY,
    OnLayer,
    numbered,
    position,
    require_channels,
    require_position,
)

# A spread under this share of the layer's mean counts as this share.
SMALLEST_SPREAD = 0.05


class Channel(OnLayer):
    """The mean of a channel over its positions, a channel per image.

    `own - contrast * share * crowd`. With `f(a) = min(max(a, floor), ceiling)`, the activation
    function that comes behind, `own` is the weighted mean over positions of
    `f(a) + leak * (a - f(a))`; `crowd` is the 4-norm over all channels of `max(m - usual, 0)`, with
    `m` a channel's weighted mean of `f(a)`; and `share = (own - usual) / crowd`, within 0 and 1
    and held constant. So the gradient points where that of `log own - contrast * log crowd` does: a
    picture that excites the whole layer is held back, while at the start, when `own` is small, the
    crowd has no say. With `leak=1, border=0, contrast=0` it is Distill's plain mean.

    Args:
        channels: channel numbers, int64, `(image,)`.
        floor, ceiling: between which the activation function lets values through.
        leak: share that counts of what lies outside of them. The target is the value before the
            activation: a little of what is below zero wakes dead units; all of it would let a unit
            trade its best places for a lifted background, and leaves a linear first layer with no
            task but the picture's border.
        border: how many rows and columns of the map from its edge in count less, in a ramp: those
            see the network's zero padding and no whole receptive field.
        contrast: weight of the crowd, from 0 to less than 1.
        spread: how much each channel of the target usually varies, `(channel,)`; the crowd is
            compared in these units, which makes pictures more selective. The standard deviation
            over a set of images serves; without it, all channels count alike.
        usual: each channel's usual mean, `(channel,)`; without it, zero.
        sign: -1 to lower the channel in place of raising it: all values are taken negative.
        layer: see `OnLayer`.
    """

    def __init__(
        self,
        channels: Tensor,
        *,
        floor: float = 0.0,
        ceiling: float = math.inf,
        leak: float = 0.1,
        border: float = 1.5,
        contrast: float = 0.5,
        spread: Tensor | None = None,
        usual: Tensor | None = None,
        sign: float = 1.0,
        layer: str = ONLY,
    ) -> None:
        super().__init__(layer)
        if not 0 <= contrast < 1:
            raise ValueError(f"contrast={contrast}: give at least 0 and less than 1.")
        self.channels = numbered(channels)
        self.floor, self.ceiling = floor, ceiling
        self.leak = leak
        self.border = border
        self._sent: dict[object, _Constants] = {}
        self.contrast = contrast
        self.spread = spread
        self.usual = usual
        self.sign = sign
        self.description = self.named(f"{self._signed()}mean of the channel") + self._nuances()

    def _signed(self) -> str:
        return "negative " if self.sign < 0 else ""

    def _nuances(self) -> str:
        above = math.isfinite(self.ceiling)
        said = ""
        if self.leak != 1:
            outside = (
                f"values outside {self.floor:g} to {self.ceiling:g}" if above else "negative values"
            )
            said = f", {outside} at {self.leak:g}"
        return said + (f", against its layer at {self.contrast:g}" if self.contrast else "")

    def weights(self, rows: int, columns: int) -> Tensor:
        """How much each position counts, `(row, column)`, on the CPU; they add up to 1."""
        row, column = (
            ((torch.minimum(at, extent - 1 - at) + 0.5) / max(self.border, 0.5)).clamp(max=1)
            for extent in (rows, columns)
            for at in (torch.arange(extent),)
        )
        return torch.outer(row / row.sum(), column / column.sum())

    def check_shape(self, shape: Sequence[int]) -> None:
        require_channels(self.channels, shape)
        for name, given in (("spreads", self.spread), ("usual means", self.usual)):
            if given is not None and len(given) != shape[1]:
                raise ValueError(f"{len(given)} {name} for {shape[1]} channels: give one each.")

    def of(self, activations: Tensor) -> Tensor:
        if self.sign != 1:
            activations = self.sign * activations
        here = self._constants(activations)
        weights, image, wanted = here.weights, here.image, here.wanted
        # Along the memory of the values: against it, this takes as long as a whole early layer.
        if activations.is_contiguous(memory_format=torch.channels_last):
            lasting = activations.float().movedim(1, 3)
            target = lasting[image, :, :, wanted]
            means = (self._through(lasting) * weights[..., None]).sum((1, 2))
        else:
            target = activations.float()[image, wanted]
            means = (self._through(activations.float()) * weights).sum((2, 3))
        through = self._through(target)
        own = ((through + self.leak * (target - through)) * weights).sum((1, 2))
        if not self.contrast:
            return own
        beyond = own.detach()
        if here.usual is not None:
            means, beyond = means - here.usual, beyond - here.usual[wanted]
        crowd = _crowd(means.relu(), here.scale)
        share = (beyond / crowd.detach()).clamp(0, 1)
        return own - self.contrast * share * crowd

    def _through(self, values: Tensor) -> Tensor:
        """What the activation function lets through."""
        if math.isinf(self.floor):
            return values if math.isinf(self.ceiling) else values.clamp(max=self.ceiling)
        return (
            values.clamp(self.floor, self.ceiling) if math.isfinite(self.ceiling) else values.relu()
        )

    def _constants(self, activations: Tensor) -> "_Constants":
        """What stays the same, where the values are: sent there once, not each step, for a device
        would have to be waited for."""
        rows, columns = activations.shape[2:]
        where = (rows, columns, activations.device)
        if where not in self._sent:
            device = activations.device
            wanted, usual, scale = self.channels.to(device), None, None
            if self.usual is not None:
                usual = self.sign * self.usual.to(device, torch.float32)
            if self.spread is not None:
                spread = self.spread.to(device, torch.float32)
                # A channel that hardly ever varies must not drown all others.
                spread = spread.clamp(min=SMALLEST_SPREAD * spread.mean())
                spread = spread.clamp(min=torch.finfo(spread.dtype).tiny)  # where none varies
                scale = spread[wanted][:, None] / spread
            image = torch.arange(len(wanted), device=device)
            weights = self.weights(rows, columns).to(device)
            self._sent[where] = _Constants(weights, image, wanted, usual, scale)
        return self._sent[where]


@dataclass(frozen=True, slots=True)
class _Constants:
    """Weights of positions, image and channel numbers, each channel's usual mean, and what brings
    each channel to the units of the image's own, `(image, channel)`."""

    weights: Tensor
    image: Tensor
    wanted: Tensor
    usual: Tensor | None
    scale: Tensor | None


def _crowd(means: Tensor, scale: Tensor | None) -> Tensor:
    """The 4-norm of each image's means `(image, channel)`, in its own channel's units."""
    means = torch.where(means.isfinite(), means, 0)  # one broken channel is no other's fault
    if scale is not None:
        means = means * scale
    # Over the largest first: the fourth power of 1e10 would overflow.
    largest = means.detach().amax(1, keepdim=True).clamp(min=torch.finfo(means.dtype).tiny)
    return (means / largest).pow(4).sum(1).clamp(min=1e-6).pow(0.25) * largest[:, 0]


class Neuron(Channel):
    """One position of a channel, the centre of its map unless told otherwise."""

    def __init__(
        self,
        channels: Tensor,
        *,
        row: int | None = None,
        column: int | None = None,
        contrast: float = 0.5,
        spread: Tensor | None = None,
        sign: float = 1.0,
        layer: str = ONLY,
    ) -> None:
        # One position has no background to trade against: its sign does not matter.
        super().__init__(
            channels, leak=1.0, contrast=contrast, spread=spread, sign=sign, layer=layer
        )
        self.row = row
        self.column = column
        where = position(row, column) or "centre"
        self.description = (
            self.named(f"{self._signed()}channel at one position ({where})") + self._nuances()
        )

    def check_shape(self, shape: Sequence[int]) -> None:
        super().check_shape(shape)
        require_position(self.row, self.column, shape)

    def weights(self, rows: int, columns: int) -> Tensor:
        weights = torch.zeros(rows, columns)
        row = rows // 2 if self.row is None else self.row
        column = columns // 2 if self.column is None else self.column
        weights[row, column] = 1.0
        return weights
