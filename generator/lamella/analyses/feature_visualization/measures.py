"""What is measured of every picture, on the clean one, in float32 and before it is encoded.

Flow: ascent -> **measures** -> batch -> shards.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from lamella.analyses.feature_visualization.stored import BOUND
from lamella.optvis.channel import SMALLEST_SPREAD


@dataclass(frozen=True, slots=True)
class Norms:
    """What the survey says of a layer's channels; None where it does not know.

    Attributes:
        maximum: largest activation on any photograph, `(channel,)`.
        mean, spread: of each photograph's spatial mean, over the photographs, `(channel,)`.
        ceiling: the largest value that the layer can have; photographs may reach it too.
    """

    maximum: Tensor | None = None
    mean: Tensor | None = None
    spread: Tensor | None = None
    ceiling: float = math.inf

    @classmethod
    def of(cls, survey: Mapping[str, object], ceiling: float = math.inf) -> "Norms":
        """From the survey's arrays."""
        names = ("maximum", "mean", "mean_deviation")
        found = [survey.get(name) for name in names]
        maximum, mean, spread = (
            None if array is None else torch.as_tensor(array) for array in found
        )
        return cls(maximum, mean, spread, ceiling)


@dataclass(frozen=True, slots=True)
class Measured:
    """One row per picture, on the CPU.

    Attributes:
        activation, mean: largest and mean of the unit's own map, in the layer's own values.
        rank: of the unit among its layer's channels, by the spatial mean in standard deviations
            from its mean over the photographs; 1 is first, 0 not known (Olah et al. 2017 ask that
            a picture be the unit's own; the z-score makes channels of any scale comparable).
            Channels that vary less than a twentieth of the layer's mean do not compete.
        contrast: standard deviation of the picture's pixels, over colours.
        beats: whether the activation is above that on any photograph, or at a bound that they reach
            too (see `Quality.bounded`); True where no photograph is known.
    """

    activation: Tensor
    mean: Tensor
    rank: Tensor
    contrast: Tensor
    beats: Tensor

    def first(self, count: int) -> "Measured":
        """The first rows."""
        return Measured(*(getattr(self, each.name)[:count] for each in fields(self)))


@torch.inference_mode()
def measured(
    observed: Callable[[Tensor], Tensor],
    images: Tensor,
    channels: Sequence[int],
    norms: Norms,
    negative: bool = False,
) -> Measured:
    """Measure pictures, `(image, 3, size, size)`, of these channels of a layer.

    Args:
        observed: pictures to the layer's own values, `(image, channel, row, column)`.
        negative: pictures that lower the activation: it is then the smallest, ranks are counted
            from below, and the minimum on photographs is not known.
    """
    sign = -1 if negative else 1
    values = observed(images).float().flatten(2).cpu()
    at, own = torch.arange(len(channels)), torch.tensor(channels)
    activation, means = sign * (sign * values[at, own]).amax(1), values.mean(2)
    rank = torch.zeros(len(channels), dtype=torch.int32)
    if norms.mean is not None and norms.spread is not None:
        # A channel that hardly varies over the photographs has no score: its constant alone, which
        # the border shifts in a picture of another size, would outrank all others.
        least = SMALLEST_SPREAD * float(norms.spread.mean())
        deviations = sign * (means - norms.mean) / norms.spread.clamp(min=least or 1.0)
        rivals = (deviations > deviations[at, own][:, None]) & (norms.spread >= least)
        rank = rivals.sum(1).int() + 1
    beats = torch.ones(len(channels), dtype=torch.bool)
    if norms.maximum is not None and not negative:
        bound = norms.maximum[own].clamp(max=norms.ceiling)
        beats = (activation > norms.maximum[own]) | (
            (bound > 0) & (activation >= bound * (1 - BOUND))
        )
    contrast = images.float().flatten(1).std(1).cpu()
    return Measured(activation, means[at, own], rank, contrast, beats)
