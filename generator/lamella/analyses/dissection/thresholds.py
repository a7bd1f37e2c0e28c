"""From which activation on a unit counts as on: exceeded at one position in 200.

Flow: activations -> **thresholds** -> overlap. The survey's bins are counted a second time,
over the scenes: they merge, and their size does not depend on how many scenes there are.
"""

from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from lamella.survey.bins import BINS, HIGHEST, LOWEST, ZERO, edges
from lamella.survey.summary import Summary, summarise

SHARE = 0.005  # of the positions; Bau et al. 2017, section 2.2
ERROR = 1 / 16  # of the threshold, at most


def threshold(counts: NDArray[np.int64], share: float = SHARE) -> NDArray[np.float64]:
    """The activation that a share of all activations exceeds, `(channel,)`.

    Interpolated within the bin that holds it, hence within 1/16 of the exact value for magnitudes
    between 2^-14 and 2^18, and mostly much nearer: what counts is that the share is right. The
    exact value is the ceil((1 - share) * n)-th smallest of n activations. 0 where that is zero.
    """
    bounds = edges()
    above = share * counts.sum(axis=1)
    tail = counts[:, ::-1].cumsum(axis=1)[:, ::-1]  # activations in this bin or above
    # The highest bin whose tail exceeds what may lie above: all its predecessors' tails do too.
    at = np.maximum((tail > above[:, None]).sum(axis=1) - 1, 0)
    row = np.arange(len(counts))
    within = np.maximum(counts[row, at], 1)
    left = (tail[row, at] - above) / within  # share of the bin that lies below the threshold
    found: NDArray[np.float64] = bounds[at] + left.clip(0, 1) * (bounds[at + 1] - bounds[at])
    return np.where(at == ZERO, 0.0, found)


class Sketch:
    """Counts of one layer's activations; a new one is the empty element of `merge`.

    Attributes:
        counts: by channel and bin.
        exponent: activations were divided by so large a power of two, which costs no precision and
            keeps a network whose activations grow without end inside the bins.
    """

    def __init__(self, channels: int, exponent: int = 0) -> None:
        self.counts = np.zeros((channels, BINS), np.int64)
        self.exponent = exponent

    def update(self, values: torch.Tensor) -> Summary:
        """Take in a batch, (image, channel, row, column); returns what was counted of it."""
        summary = summarise(values * 2.0**-self.exponent if self.exponent else values)
        self.counts += summary.counts
        return summary

    def merge(self, other: Self) -> None:
        """Take in what another sketch of the same layer saw.

        Raises:
            ValueError: the two do not divide by the same power.
        """
        if other.exponent != self.exponent:
            raise ValueError(f"exponents {self.exponent} and {other.exponent} differ")
        self.counts = self.counts + other.counts

    def finish(self) -> NDArray[np.float32]:
        """The threshold of each channel."""
        return np.asarray(np.ldexp(threshold(self.counts), self.exponent), dtype=np.float32)


def exponent_of(largest: float) -> int:
    """The power of two that a layer is divided by, 0 where its activations fit the bins as they
    are.

    Args:
        largest: its largest magnitude on some images.
    """
    if not np.isfinite(largest) or largest <= 0:
        return 0
    power = int(np.frexp(largest)[1])
    fits = LOWEST + 12 <= power <= HIGHEST - 4
    return 0 if fits else power - (HIGHEST - 8)
