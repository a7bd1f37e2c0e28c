"""What is wanted of the network: one number per image, to be raised.

Flow: param -> transform -> network -> **objective** -> ascend. Image i belongs to unit i alone, so
a batch holds as many units as images, and they share no gradient. Objectives add up and take
factors, and carry the sentence that stands under the picture.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007, section
"Optimization Objectives".
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

# A spread under this share of the layer's mean counts as this share.
SMALLEST_SPREAD = 0.05


class Objective(ABC):
    """A number per image, from the target's values.

    Attributes:
        description: what is raised, in words, for the page.
    """

    description: str

    @abstractmethod
    def __call__(self, activations: Tensor) -> Tensor:
        """What is raised, `(image,)`, from values `(image, channel, row, column)`."""

    @abstractmethod
    def response(self, activations: Tensor) -> Tensor:
        """The target's own map, `(image, row, column)`: what a reader is told about a picture."""

    @abstractmethod
    def check(self, shape: Sequence[int]) -> None:
        """Refuse values of a shape that this objective cannot be asked of.

        Raises:
            ValueError: another number of images, or a channel that is not there.
        """

    def __add__(self, other: "Objective") -> "Objective":
        return Sum(((1.0, self), (1.0, other)))

    def __mul__(self, factor: float) -> "Objective":
        return Sum(((factor, self),))

    __rmul__ = __mul__


class Sum(Objective):
    """Objectives, each times a factor: `0.2 * a + 0.8 * b`."""

    terms: tuple[tuple[float, Objective], ...]

    def __init__(self, terms: Sequence[tuple[float, Objective]]) -> None:
        self.terms = tuple(
            (factor * inner, objective)
            for factor, term in terms
            for inner, objective in (term.terms if isinstance(term, Sum) else ((1.0, term),))
        )
        said = (f"{factor:g} × ({term.description})" for factor, term in self.terms)
        self.description = " + ".join(said)

    def __call__(self, activations: Tensor) -> Tensor:
        return torch.stack([factor * term(activations) for factor, term in self.terms]).sum(0)

    def response(self, activations: Tensor) -> Tensor:
        maps = [factor * term.response(activations) for factor, term in self.terms]
        return torch.stack(maps).sum(0)

    def check(self, shape: Sequence[int]) -> None:
        for _, term in self.terms:
            term.check(shape)


class Channel(Objective):
    """The mean of a channel over its positions, a channel per image.

    `own - contrast * share * crowd`, where `own` is the weighted mean over positions of
    `max(a, leak * a)`, `crowd` the 4-norm over all channels of the weighted means of `max(a, 0)`,
    and `share = own / crowd`, within 0 and 1 and held constant. So the gradient points where that
    of `log own - contrast * log crowd` does: a picture that excites the whole layer is held back,
    while at the start, when `own` is small, the crowd has no say. With `leak=1, border=0,
    contrast=0` it is Distill's plain mean.

    Args:
        channels: channel numbers, int64, `(image,)`.
        leak: share of a negative value that counts. The target is the value before the activation:
            a little of what is below zero wakes dead units; all of it would let a unit trade its
            best places for a lifted background, and leaves a linear first layer with no task but
            the picture's border.
        border: how many rows and columns of the map from its edge in count less, in a ramp: those
            see the network's zero padding and no whole receptive field.
        contrast: weight of the crowd, from 0 to less than 1.
        spread: how much each channel of the target usually varies, `(channel,)`; the crowd is
            compared in these units, which makes pictures more selective. The standard deviation
            over a set of images serves; without it, all channels count alike.
    """

    def __init__(
        self,
        channels: Tensor,
        *,
        leak: float = 0.1,
        border: float = 1.5,
        contrast: float = 0.5,
        spread: Tensor | None = None,
    ) -> None:
        if not 0 <= contrast < 1:
            raise ValueError(f"contrast={contrast}: give at least 0 and less than 1.")
        if channels.dim() != 1 or channels.is_floating_point():
            raise ValueError("channels: give whole numbers in one dimension, one per image.")
        self.channels = channels.long()
        self.leak = leak
        self.border = border
        self.contrast = contrast
        self.spread = spread
        self.description = "mean of the channel" + self._nuances()

    def _nuances(self) -> str:
        said = f", negative values at {self.leak:g}" if self.leak != 1 else ""
        return said + (f", against its layer at {self.contrast:g}" if self.contrast else "")

    def weights(self, rows: int, columns: int) -> Tensor:
        """How much each position counts, `(row, column)`, on the CPU; they add up to 1."""
        row, column = (
            ((torch.minimum(at, extent - 1 - at) + 0.5) / max(self.border, 0.5)).clamp(max=1)
            for extent in (rows, columns)
            for at in (torch.arange(extent),)
        )
        return torch.outer(row / row.sum(), column / column.sum())

    def check(self, shape: Sequence[int]) -> None:
        images, there = shape[:2]
        if len(self.channels) != images:
            raise ValueError(f"{len(self.channels)} channels for {images} images: give one each.")
        if self.spread is not None and len(self.spread) != there:
            raise ValueError(f"{len(self.spread)} spreads for {there} channels: give one each.")
        wrong = sorted({int(c) for c in self.channels if not 0 <= int(c) < there})
        if wrong:
            raise ValueError(f"No channel {wrong[0]}: the target has {there}, numbered from 0.")

    def response(self, activations: Tensor) -> Tensor:
        image = torch.arange(len(activations), device=activations.device)
        return activations[image, self.channels.to(activations.device)].float()

    def __call__(self, activations: Tensor) -> Tensor:
        device = activations.device
        weights = self.weights(*activations.shape[2:]).to(device)
        image, wanted = torch.arange(len(activations), device=device), self.channels.to(device)
        # Along the memory of the values: against it, this takes as long as a whole early layer.
        if activations.is_contiguous(memory_format=torch.channels_last):
            lasting = activations.float().movedim(1, 3)
            target = lasting[image, :, :, wanted]
            positive = (lasting.relu() * weights[..., None]).sum((1, 2))
        else:
            target = activations.float()[image, wanted]
            positive = (activations.float().relu() * weights).sum((2, 3))
        own = (torch.where(target > 0, target, self.leak * target) * weights).sum((1, 2))
        if not self.contrast:
            return own
        crowd = self._crowd(positive, wanted)
        share = (own.detach() / crowd.detach()).clamp(0, 1)
        return own - self.contrast * share * crowd

    def _crowd(self, means: Tensor, wanted: Tensor) -> Tensor:
        """The 4-norm of each image's means `(image, channel)`, in its own channel's units."""
        if self.spread is not None:
            spread = self.spread.to(means.device, torch.float32)
            # A channel that hardly ever varies must not drown all others.
            spread = spread.clamp(min=SMALLEST_SPREAD * spread.mean())
            means = means * (spread[wanted][:, None] / spread)
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
    ) -> None:
        # One position has no background to trade against: its sign does not matter.
        super().__init__(channels, leak=1.0, contrast=contrast, spread=spread)
        self.row = row
        self.column = column
        where = "centre" if row is None and column is None else f"row {row}, column {column}"
        self.description = f"channel at one position ({where})" + self._nuances()

    def check(self, shape: Sequence[int]) -> None:
        super().check(shape)
        for name, at, extent in (("row", self.row, shape[2]), ("column", self.column, shape[3])):
            if at is not None and not 0 <= at < extent:
                raise ValueError(f"No {name} {at}: the target has {extent}, numbered from 0.")

    def weights(self, rows: int, columns: int) -> Tensor:
        weights = torch.zeros(rows, columns)
        row = rows // 2 if self.row is None else self.row
        column = columns // 2 if self.column is None else self.column
        weights[row, column] = 1.0
        return weights
