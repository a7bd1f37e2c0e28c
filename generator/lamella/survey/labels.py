"""Statistics by the images' labels: the strongest image of each, and the mean over all of each.

Flow: summary -> **labels** -> run -> store.
"""

from typing import ClassVar, Self

import numpy as np

from lamella.survey.collector import Arrays, Collector, Extent, Shown
from lamella.survey.extremes import Extremes
from lamella.survey.summary import Summary


class Distinct(Extremes):
    """The strongest image of each label, strongest first: no label fills the list alone.

    Twelve labels at most, so that memory does not grow with their number: what twelve others beat
    in a part of the images, they beat in all.
    """

    labelled: ClassVar[bool] = True
    name: ClassVar[str] = "distinct"


class LabelMeans(Collector):
    """Mean activation over the images of each label, (channel, label), NaN where there was none.

    An image counts by its mean over positions (class-conditional mean activity; Morcos et al.
    2018, "On the importance of single directions for generalization"). Memory: 8 bytes per channel
    and label, however many images.
    """

    labelled: ClassVar[bool] = True
    fields: ClassVar[tuple[str, ...]] = ("total", "number")

    def __init__(self, extent: Extent) -> None:
        self.total = np.zeros((extent.labels, extent.channels), np.float64)
        self.number = np.zeros(extent.labels, np.int64)

    @classmethod
    def empty(cls, extent: Extent) -> Self:
        return cls(extent)

    def update(self, summary: Summary, shown: Shown) -> None:
        means = summary.total / summary.places
        for label, mean in zip(shown.labels.tolist(), means, strict=True):
            if label >= 0:
                self.total[label] += mean
                self.number[label] += 1

    def merge(self, other: Self) -> None:
        self.total = self.total + other.total
        self.number = self.number + other.number

    def finish(self) -> Arrays:
        seen = self.number > 0
        means = self.total / np.maximum(self.number, 1)[:, None]
        return {"label_mean": np.where(seen[:, None], means, np.nan).T.astype(np.float32)}
