"""The images that excite each channel most."""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lamella.survey.collector import Arrays, Collector
from lamella.survey.summary import Summary

KEPT = 12


class Top(Collector):
    """The twelve strongest images of each channel: one place per image, the strongest.

    Equal activations go to the lower image number, which is the order of the images' ids. Starts
    from minus infinity, so that channels that are never positive have examples too.
    """

    fields: ClassVar[tuple[str, ...]] = ("activation", "image", "position")

    def __init__(self, channels: int) -> None:
        self.activation = np.full((channels, KEPT), -np.inf, np.float32)
        self.image = np.full((channels, KEPT), -1, np.int64)
        self.position = np.zeros((channels, KEPT), np.int32)

    @classmethod
    def empty(cls, channels: int) -> Self:
        return cls(channels)

    def update(self, summary: Summary, images: NDArray[np.int64], ids: tuple[str, ...]) -> None:
        # Most batches of a long survey change few channels: only those are sorted.
        changed = np.flatnonzero((summary.peak >= self.activation[:, -1]).any(axis=0))
        if changed.size:
            peak, position = summary.peak[:, changed].T, summary.position[:, changed].T
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
        # An empty place, image -1, comes behind an activation of minus infinity.
        order = np.lexsort((np.where(images < 0, np.iinfo(np.int64).max, images), -activations))
        order = order[:, :KEPT]
        self.activation[channels] = np.take_along_axis(activations, order, axis=1)
        self.image[channels] = np.take_along_axis(images, order, axis=1)
        self.position[channels] = np.take_along_axis(positions, order, axis=1)

    def finish(self) -> Arrays:
        return {
            "top_activation": self.activation,
            "top_image": self.image.astype(np.int32),
            "top_position": self.position,
        }
