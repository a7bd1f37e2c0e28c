"""The images at either end of each channel: strongest, weakest, most negative.

Flow: summary -> **extremes** -> run -> store.
"""

from typing import Any, ClassVar, Self

import numba
import numpy as np
from numpy.typing import NDArray

from lamella.survey.collector import Arrays, Collector, Extent, Shown
from lamella.survey.summary import Summary

NO_LABELS = np.zeros(0, np.int64)  # images do not compete by them


@numba.njit(cache=True)
def _insert(
    activation: Any,
    image: Any,
    position: Any,
    label: Any,
    values: Any,
    numbers: Any,
    positions: Any,
    labels: Any,
    sign: int,
) -> None:
    """Put images into each channel's list, `(channel, place)`, where they belong.

    Args:
        values, numbers, positions: of what is put in, `(channel, entry)`.
        labels: likewise; where there are any, a list keeps the first of each label.
    """
    channels, kept = activation.shape
    for channel in range(channels):
        for entry in range(values.shape[1]):
            value, number = values[channel, entry] * sign, numbers[channel, entry]
            last = activation[channel, kept - 1] * sign
            beyond = image[channel, kept - 1]
            if number < 0 or value < last or (value == last and 0 <= beyond < number):
                continue
            end = kept - 1  # the place that is given up: the last, or that of the same label
            if labels.size:
                for place in range(kept):
                    if (
                        image[channel, place] >= 0
                        and label[channel, place] == labels[channel, entry]
                    ):
                        end = place
                        break
                held = activation[channel, end] * sign
                if image[channel, end] >= 0 and (
                    value < held or (value == held and image[channel, end] < number)
                ):
                    continue
            place = end
            while place > 0:
                before = activation[channel, place - 1] * sign
                ahead = image[channel, place - 1]
                if value < before or (value == before and 0 <= ahead < number):
                    break
                activation[channel, place] = activation[channel, place - 1]
                image[channel, place] = ahead
                position[channel, place] = position[channel, place - 1]
                if labels.size:
                    label[channel, place] = label[channel, place - 1]
                place -= 1
            activation[channel, place] = values[channel, entry]
            image[channel, place] = number
            position[channel, place] = positions[channel, entry]
            if labels.size:
                label[channel, place] = labels[channel, entry]


class Extremes(Collector):
    """Some images per channel, ordered by the channel's peak on each: one place per image.

    Equal activations go to the lower image number, which is the order of the images' ids. Empty
    places, image -1, hold the infinity that every image outdoes.

    Attributes:
        name: prefix of the facts.
        sign: 1 for the largest first, -1 for the smallest.
        kept: how many images.
    """

    fields: ClassVar[tuple[str, ...]] = ("activation", "image", "position", "label")
    name: ClassVar[str]
    sign: ClassVar[int] = 1
    kept: ClassVar[int] = 12

    def __init__(self, channels: int) -> None:
        self.activation = np.full((channels, self.kept), -self.sign * np.inf, np.float32)
        self.image = np.full((channels, self.kept), -1, np.int64)
        self.position = np.zeros((channels, self.kept), np.int32)
        self.label = np.full((channels, self.kept if self.labelled else 0), -1, np.int64)

    @classmethod
    def empty(cls, extent: Extent) -> Self:
        return cls(extent.channels)

    def values(self, summary: Summary) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """What images are ordered by, and where in each it is, (image, channel) both."""
        return summary.peak, summary.position

    def update(self, summary: Summary, shown: Shown) -> None:
        found, position = self.values(summary)
        numbers = shown.numbers
        if self.labelled:
            numbers = np.where(shown.labels < 0, -1, numbers)
        self._join(
            found.T,
            np.broadcast_to(numbers, found.T.shape),
            position.T,
            np.broadcast_to(shown.labels, found.T.shape) if self.labelled else None,
        )

    def merge(self, other: Self) -> None:
        self._join(other.activation, other.image, other.position, other.label)

    def _join(
        self,
        activation: NDArray[np.float32],
        image: NDArray[np.int64],
        position: NDArray[np.int32],
        label: NDArray[np.int64] | None,
    ) -> None:
        labels = label if label is not None and self.labelled else NO_LABELS[None]
        _insert(
            self.activation,
            self.image,
            self.position,
            self.label,
            activation,
            image,
            position,
            labels,
            self.sign,
        )

    def finish(self) -> Arrays:
        return {
            f"{self.name}_activation": self.activation,
            f"{self.name}_image": self.image.astype(np.int32),
            f"{self.name}_position": self.position,
        }


class Top(Extremes):
    """The strongest images of each channel: largest peak first, and where in the image it is.

    Twice as many as a page shows, so that they can be divided into facets.
    """

    name: ClassVar[str] = "top"
    kept: ClassVar[int] = 24


class Bottom(Extremes):
    """The weakest images of each channel: smallest peak first, and where in the image it is.

    The peak, as of the strongest ones, not the smallest activation: an image is weak where nothing
    in it excites the channel. Wanted for the activation spectrum and for the machine
    interpretability score, which asks whether weak can be distinguished from strong (Zimmermann,
    Klindt and Brendel 2024, "Measuring Mechanistic Interpretability at Scale Without Humans").
    """

    name: ClassVar[str] = "bottom"
    sign: ClassVar[int] = -1


class Lowest(Extremes):
    """The most negative activation of each image, most negative first; only in signed layers."""

    name: ClassVar[str] = "lowest"
    sign: ClassVar[int] = -1

    @classmethod
    def suits(cls, extent: Extent) -> bool:
        return extent.signed

    def values(self, summary: Summary) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        return summary.low, summary.low_position
