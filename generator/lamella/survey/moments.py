"""Mean, standard deviation and maximum of each channel, over all images and positions.

Flow: summary -> **moments** -> run -> store.
"""

from typing import ClassVar, Self

import numpy as np

from lamella.survey.collector import Arrays, Collector, Extent, Shown
from lamella.survey.summary import Summary


class Moments(Collector):
    """Sums in float64: merging in another order moves a result by parts in 10^12.

    `mean_deviation` is the standard deviation over the images of each image's spatial mean, whose
    mean is `mean`: with both, the spatial means of a layer's channels are compared as z-scores.
    `active` is the share of the images on which the channel is above zero anywhere.
    """

    fields: ClassVar[tuple[str, ...]] = (
        "images",
        "number",
        "total",
        "square",
        "mean_square",
        "maximum",
        "on",
    )

    def __init__(self, channels: int) -> None:
        self.images = np.zeros(1, np.int64)
        self.number = np.zeros(1, np.int64)
        self.total = np.zeros(channels, np.float64)
        self.square = np.zeros(channels, np.float64)
        self.mean_square = np.zeros(channels, np.float64)
        self.maximum = np.full(channels, -np.inf, np.float32)
        self.on = np.zeros(channels, np.int64)

    @classmethod
    def empty(cls, extent: Extent) -> Self:
        return cls(extent.channels)

    def update(self, summary: Summary, shown: Shown) -> None:
        self.images += len(shown.ids)
        self.number += len(shown.ids) * summary.places
        self.total += summary.total.sum(axis=0)
        self.square += summary.square.sum(axis=0)
        self.mean_square += ((summary.total / summary.places) ** 2).sum(axis=0)
        self.maximum = np.maximum(self.maximum, summary.peak.max(axis=0))
        self.on += (summary.peak > 0).sum(axis=0)

    def merge(self, other: Self) -> None:
        self.images = self.images + other.images
        self.number = self.number + other.number
        self.total = self.total + other.total
        self.square = self.square + other.square
        self.mean_square = self.mean_square + other.mean_square
        self.maximum = np.maximum(self.maximum, other.maximum)
        self.on = self.on + other.on

    def finish(self) -> Arrays:
        number = max(1, int(self.number[0]))
        mean = self.total / number
        variance = np.maximum(self.square / number - mean**2, 0)
        mean_square = self.mean_square / max(1, int(self.images[0]))
        between = mean_square - mean**2
        # What is left of a channel that never varies is rounding; a z-score would magnify it.
        between = np.where(between > 1e-12 * mean_square, between, 0)
        return {
            "mean": mean.astype(np.float32),
            "deviation": np.sqrt(variance).astype(np.float32),
            "mean_deviation": np.sqrt(between).astype(np.float32),
            "maximum": self.maximum,
            "active": (self.on / max(1, int(self.images[0]))).astype(np.float32),
        }
