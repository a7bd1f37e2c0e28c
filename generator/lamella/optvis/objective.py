"""What an objective is: one number per image, to be raised; and sums of objectives.

Flow: param -> transform -> network -> **objective** -> ascend. Image i is judged by itself, so a
batch holds as many units as images, and they share no gradient. Objectives add up, take factors,
and carry the sentence that stands under the picture. channel.py, further_objectives.py and
penalties.py hold them.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007, section
"Optimization Objectives".
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ONLY = ""  # the layer of an objective that does not name one: the only one there is


@dataclass(frozen=True, slots=True)
class Seen:
    """Pictures, and what the network makes of them.

    Attributes:
        images: in [0, 1], before they are shaken, `(image, plane, side, side)`.
        values: by layer, `(image, channel, row, column)`.
    """

    images: Tensor
    values: Mapping[str, Tensor]

    def layer(self, name: str) -> Tensor:
        """The values of a layer.

        Raises:
            ValueError: the network was not cut at such a layer.
        """
        if name == ONLY and len(self.values) == 1:
            return next(iter(self.values.values()))
        if name not in self.values:
            there = ", ".join(repr(known) for known in self.values) or "no layer"
            what = f"names the layer {name!r}" if name else "names no layer"
            raise ValueError(f"The objective {what}; the network was cut at {there}.")
        return self.values[name]


class Objective(ABC):
    """A number per image.

    Attributes:
        description: what is raised, in words, for the page.
    """

    description: str

    def __call__(self, seen: Seen | Tensor) -> Tensor:
        """What is raised, `(image,)`; a bare tensor stands for the values of the only layer."""
        if isinstance(seen, Tensor):
            seen = Seen(seen.new_zeros(0), {ONLY: seen})
        return self.value(seen)

    @abstractmethod
    def value(self, seen: Seen) -> Tensor:
        """What is raised, `(image,)`."""

    def check(self, seen: Seen) -> None:  # noqa: B027 - most objectives accept everything
        """Refuse values that this objective cannot be asked of; called once, before the ascent.

        Raises:
            ValueError: a layer or channel that is not there, another number of images.
        """

    def __add__(self, other: "Objective") -> "Objective":
        return Sum(((1.0, self), (1.0, other)))

    def __sub__(self, other: "Objective") -> "Objective":
        return Sum(((1.0, self), (-1.0, other)))

    def __mul__(self, factor: "float | Tensor") -> "Objective":
        return Sum(((factor, self),))

    __rmul__ = __mul__

    def __neg__(self) -> "Objective":
        return Sum(((-1.0, self),))


class Sum(Objective):
    """Objectives, each times a factor: `0.2 * a + 0.8 * b`.

    A factor may be a tensor `(image,)`, one for each image: `shares * a + (1 - shares) * b` is an
    interpolation.
    """

    terms: tuple[tuple[float | Tensor, Objective], ...]

    def __init__(self, terms: Sequence[tuple[float | Tensor, Objective]]) -> None:
        self.terms = tuple(
            (factor * inner, objective)
            for factor, term in terms
            for inner, objective in (term.terms if isinstance(term, Sum) else ((1.0, term),))
        )
        self.description = " + ".join(
            f"{_said(factor)} × ({term.description})" for factor, term in self.terms
        )

    def value(self, seen: Seen) -> Tensor:
        found = [_on(factor, seen.images) * term.value(seen) for factor, term in self.terms]
        return torch.stack(found).sum(0)

    def check(self, seen: Seen) -> None:
        images = len(next(iter(seen.values.values())))
        for factor, term in self.terms:
            if isinstance(factor, Tensor) and factor.shape != (images,):
                raise ValueError(f"{factor.numel()} factors for {images} images: give one each.")
            term.check(seen)


def _on(factor: float | Tensor, images: Tensor) -> float | Tensor:
    return factor.to(images.device) if isinstance(factor, Tensor) else factor


def _said(factor: float | Tensor) -> str:
    if not isinstance(factor, Tensor):
        return f"{factor:g}"
    low, high = float(factor.min()), float(factor.max())
    return f"{low:g}" if low == high else f"({low:g} to {high:g})"


class OnLayer(Objective):
    """An objective that reads one layer.

    Args:
        layer: its name; without it the only one that the network was cut at.
    """

    def __init__(self, layer: str = ONLY) -> None:
        self.layer = layer

    def value(self, seen: Seen) -> Tensor:
        return self.of(seen.layer(self.layer))

    def check(self, seen: Seen) -> None:
        self.check_shape(seen.layer(self.layer).shape)

    @abstractmethod
    def of(self, activations: Tensor) -> Tensor:
        """What is raised, `(image,)`, from values `(image, channel, row, column)`."""

    def check_shape(self, shape: Sequence[int]) -> None:
        """Refuse values of a shape that this objective cannot be asked of; see `check`."""

    def named(self, what: str) -> str:
        """A description, with the layer where it is named."""
        return f"{what} of {self.layer}" if self.layer else what


def require_channels(channels: Tensor, shape: Sequence[int]) -> None:
    """Refuse channel numbers, one per image, that values of a shape do not have.

    Raises:
        ValueError: another number of images, or a channel that is not there.
    """
    images, there = shape[:2]
    if len(channels) != images:
        raise ValueError(f"{len(channels)} channels for {images} images: give one each.")
    wrong = sorted({int(c) for c in channels if not 0 <= int(c) < there})
    if wrong:
        raise ValueError(f"No channel {wrong[0]}: the target has {there}, numbered from 0.")


def require_position(row: int | None, column: int | None, shape: Sequence[int]) -> None:
    """Refuse a position that maps of a shape do not have; None is the middle of an axis.

    Raises:
        ValueError: there is no such row or column.
    """
    for name, at, extent in (("row", row, shape[2]), ("column", column, shape[3])):
        if at is not None and not 0 <= at < extent:
            raise ValueError(f"No {name} {at}: the target has {extent}, numbered from 0.")


def numbered(channels: Tensor) -> Tensor:
    """Channel numbers as objectives keep them, int64 `(image,)`.

    Raises:
        ValueError: they are no whole numbers in one dimension.
    """
    if channels.dim() != 1 or channels.is_floating_point():
        raise ValueError("channels: give whole numbers in one dimension, one per image.")
    return channels.long()


def position(row: int | None, column: int | None) -> str:
    """A place on a map in words, None for the middle of an axis; "" for the middle of both."""
    if row is None and column is None:
        return ""
    axes = (("row", row), ("column", column))
    return ", ".join(f"middle {name}" if at is None else f"{name} {at}" for name, at in axes)
