"""How each channel's activations are distributed: counts, zeros and quantiles.

Flow: summary -> **distribution** -> run -> store.
"""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lamella.survey.bins import BINS, ZERO, edges
from lamella.survey.collector import Arrays, Collector, Extent, Shown
from lamella.survey.summary import Summary

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p995": 0.995, "p999": 0.999}


def quantiles(counts: NDArray[np.int64], share: float) -> NDArray[np.float64]:
    """The value below which a share of the activations lies, (channel,).

    Read off the middle of the bin that holds the ceil(share * n)-th smallest activation, hence
    within 1/32 of that activation for magnitudes between 2^-14 and 2^18.
    """
    bounds = edges()
    middle = (bounds[:-1] + bounds[1:]) / 2
    rank = np.maximum(np.ceil(share * counts.sum(axis=1)), 1)
    found: NDArray[np.float64] = middle[(counts.cumsum(axis=1) >= rank[:, None]).argmax(axis=1)]
    return found


class Distribution(Collector):
    """Exact counts in fixed bins (see `bins.py`)."""

    fields: ClassVar[tuple[str, ...]] = ("counts",)

    def __init__(self, channels: int) -> None:
        self.counts = np.zeros((channels, BINS), np.int64)

    @classmethod
    def empty(cls, extent: Extent) -> Self:
        return cls(extent.channels)

    def update(self, summary: Summary, shown: Shown) -> None:
        self.counts += summary.counts

    def merge(self, other: Self) -> None:
        self.counts = self.counts + other.counts

    def finish(self) -> Arrays:
        number = np.maximum(self.counts.sum(axis=1), 1)
        facts: Arrays = {
            name: quantiles(self.counts, share).astype(np.float32)
            for name, share in QUANTILES.items()
        }
        facts["zeros"] = (self.counts[:, ZERO] / number).astype(np.float32)
        facts["counts"] = self.counts
        return facts
