"""The images at one end of each channel: what `top.py` and `bottom.py` share.

Flow: activations -> summary -> **collectors** -> store.
"""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lamella.survey.collector import Arrays, Collector
from lamella.survey.summary import Summary

KEPT = 12
LAST = np.iinfo(np.int64).max


class Extremes(Collector):
    """Twelve images per channel, ordered by the channel's peak on each: one place per image.

    Equal activations go to the lower image number, which is the order of the images' ids. Empty
    places, image -1, hold the infinity that every image outdoes.

    Attributes:
        name: prefix of the facts.
        sign: 1 for the largest peaks first, -1 for the smallest.
    """

    fields: ClassVar[tuple[str, ...]] = ("activation", "image", "position")
    name: ClassVar[str]
    sign: ClassVar[int]

    def __init__(self, channels: int) -> None:
        self.activation = np.full((channels, KEPT), -self.sign * np.inf, np.float32)
        self.image = np.full((channels, KEPT), -1, np.int64)
        self.position = np.zeros((channels, KEPT), np.int32)

    @classmethod
    def empty(cls, channels: int) -> Self:
        return cls(channels)

    def update(self, summary: Summary, images: NDArray[np.int64], ids: tuple[str, ...]) -> None:
        # Most batches of a long survey change few channels: only those are sorted. A tie changes
        # something for a lower image number alone: a silent channel ties on every image.
        peak, last = summary.peak, self.activation[:, -1]
        best = peak.max(axis=0) if self.sign > 0 else peak.min(axis=0)
        better = best > last if self.sign > 0 else best < last
        better |= (best == last) & (images.min() < _behind(self.image[:, -1]))
        changed = np.flatnonzero(better)
        if changed.size:
            peak, position = peak[:, changed].T, summary.position[:, changed].T
            self._join(changed, peak, np.broadcast_to(images, peak.shape), position)

    def merge(self, other: Self) -> None:
        every = np.arange(len(self.activation))
        self._join(every, other.activation, other.image, other.position)

    def _join(
        self,
        channels: NDArray[np.int64],
        activation: NDArray[np.float32],
        image: NDArray[np.int64],
        position: NDArray[np.int32],
    ) -> None:
        activations = np.concatenate([self.activation[channels], activation], axis=1)
        images = np.concatenate([self.image[channels], image], axis=1)
        positions = np.concatenate([self.position[channels], position], axis=1)
        order = np.lexsort((_behind(images), -self.sign * activations))[:, :KEPT]
        self.activation[channels] = np.take_along_axis(activations, order, axis=1)
        self.image[channels] = np.take_along_axis(images, order, axis=1)
        self.position[channels] = np.take_along_axis(positions, order, axis=1)

    def finish(self) -> Arrays:
        return {
            f"{self.name}_activation": self.activation,
            f"{self.name}_image": self.image.astype(np.int32),
            f"{self.name}_position": self.position,
        }


def _behind(images: NDArray[np.int64]) -> NDArray[np.int64]:
    """Image numbers, empty places behind all others."""
    found: NDArray[np.int64] = np.where(images < 0, LAST, images)
    return found
