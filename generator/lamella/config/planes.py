"""The planes of an image: what its numbers are, and how they are shown.

Flow: preprocessing -> **planes** -> images, model, optvis. Inside, every image is a stack of planes
in [0, 1]: three colours, one of greys, or as many as the network takes bands. What 0 and 1 stand
for, and which colours the planes are shown in, is written down here. No torch.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.config.preprocessing import Preprocessing

Numbers = tuple[float, ...]
Matrix = tuple[Numbers, ...]

# Square root of the covariance of ImageNet's colours: rows red, green, blue, columns the
# decorrelated axes (lightness, blue-yellow, green-magenta), as lucid has it.
COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Planes:
    """What the planes of an image are.

    Attributes:
        low, high: what 0 and 1 of each plane are, before `mean` and `std`.
        mean, std: what the network's input is less and over then, in the network's own order.
        shown: red, green and blue of each plane, `(3, plane)`, on top of `base`.
        base: red, green and blue of an image of zeros.
        axes: square root of the planes' covariance, `(plane, axis)`.
        flipped: whether the network takes them in the other order.
        words: how they are shown, where that is not plain; "" for photographs.
    """

    low: Numbers
    high: Numbers
    mean: Numbers
    std: Numbers
    shown: Matrix = IDENTITY
    base: Numbers = (0.0, 0.0, 0.0)
    axes: Matrix = COLOURS
    flipped: bool = False
    words: str = ""

    @classmethod
    def of(cls, how: Preprocessing) -> "Planes":
        """Those of photographs; of bands, before any image was looked at."""
        number = how.planes
        found = cls((0.0,) * number, (how.scale,) * number, how.mean, how.std)
        if number == 3 and not how.bands:
            return cls(found.low, found.high, how.mean, how.std, flipped=how.channels == "BGR")
        unit = tuple(tuple(float(row == one) for one in range(number)) for row in range(number))
        grey = ((1.0 / number,) * number,) * 3
        return cls(found.low, found.high, how.mean, how.std, shown=grey, axes=unit)

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.low)

    @property
    def coloured(self) -> bool:
        """Whether they are red, green and blue, in whatever order."""
        return self.number == 3 and sorted(self.shown) == sorted(IDENTITY) and not any(self.base)

    def picture(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """Images as they are shown: `(..., plane)` in [0, 1], or as bytes, to sRGB bytes."""
        if images.dtype == np.uint8 and self.shown == IDENTITY:
            return images
        if images.dtype == np.uint8:
            images = images / np.float32(255)
        shown = images
        if self.shown != IDENTITY:
            shown = images @ np.array(self.shown, np.float32).T + np.array(self.base, np.float32)
        found: NDArray[np.uint8] = (shown.clip(0, 1) * 255).round().astype(np.uint8)
        return found

    def pixels(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """As `picture`, of `Images.values`."""
        return self.picture(values if values.dtype == np.uint8 else self.of_values(values))

    def of_values(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Images, `(..., plane)`, of numbers as they are before `mean` and `std`."""
        low, high = np.array(self.low, np.float32), np.array(self.high, np.float32)
        found: NDArray[np.float32] = ((values - low) / (high - low)).astype(np.float32)
        return found

    def tinted(self, changes: NDArray[Any]) -> NDArray[Any]:
        """Changes of an image, `(..., plane)`, as changes of its red, green and blue."""
        return changes if self.shown == IDENTITY else changes @ np.array(self.shown, np.float32).T

    def of_colours(self, colours: NDArray[Any]) -> NDArray[Any] | None:
        """The planes of sRGB, `(..., 3)`; None where colours do not say what all planes are."""
        if self.coloured:
            return colours[..., np.array(self.shown).argmax(0)]
        return colours.mean(-1, keepdims=True) if self.number == 1 else None

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def decorrelated(covariance: NDArray[np.float64], least: float = 0.05) -> Matrix:
    """The square root of a covariance, its axes from the widest on, `(plane, axis)`.

    Args:
        least: of the widest axis' deviation, what each has at least, so that nothing is out of
            reach of what is made along these axes.
    """
    values, vectors = np.linalg.eigh(covariance)
    deviations = np.sqrt(values.clip(0))[::-1]
    widest = deviations.max() or 1.0
    roots = _signed(vectors[:, ::-1]) * deviations.clip(least * widest)
    return as_matrix(roots)


def components(
    covariance: NDArray[np.float64], mean: NDArray[np.float64], number: int = 3
) -> tuple[Matrix, Numbers, float]:
    """How principal components are shown as colours, and which share of the variance they are.

    Each component from 2.5 deviations under its mean to as many over it.

    Returns:
        `shown`, `(3, plane)`, `base`, and the share, 0 to 1.
    """
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1][:number]
    axes, spread = _signed(vectors[:, order]), np.sqrt(values[order].clip(1e-12))
    shown = (axes / (5 * spread)).T
    base = 0.5 - shown @ mean
    share = float(values[order].sum() / max(values.sum(), 1e-12))
    return as_matrix(shown), tuple(base.tolist()), share


def _signed(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Axes turned so that more of all planes is more of each: their sign is free."""
    signs = np.where(vectors.sum(0) < 0, -1.0, 1.0)
    return vectors * signs


def as_matrix(values: Sequence[Any] | NDArray[Any]) -> Matrix:
    """Rows of plain numbers."""
    return tuple(tuple(float(one) for one in row) for row in np.asarray(values).tolist())
