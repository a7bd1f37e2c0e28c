"""Each channel's peak activations over all images, projected to a fixed width.

Flow: summary -> **profile** -> run -> store.

A channel's profile is its peak activation on every image, a vector as long as the image set. The
sketch projects it onto fixed random directions, one entry per image and direction drawn from the
image's own id: distances and angles between profiles are kept to about 1/sqrt(WIDTH) (Johnson and
Lindenstrauss 1984), and sketches of disjoint image sets add up.
"""

import hashlib
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from lamella.survey.collector import Arrays, Collector, Extent, Shown
from lamella.survey.summary import Summary

WIDTH = 256


@lru_cache(maxsize=256)  # every layer asks for those of the same batch
def directions(image_id: str) -> NDArray[np.float64]:
    """An image's entry in each random direction, (WIDTH,), standard normal."""
    seed = int.from_bytes(hashlib.sha256(image_id.encode()).digest()[:8], "big")
    return np.random.Generator(np.random.Philox(seed)).standard_normal(WIDTH)


class Profile(Collector):
    """Sums in float64, so that merging in another order does not show in float32."""

    fields: ClassVar[tuple[str, ...]] = ("number", "total", "square", "sketch", "drawn")

    def __init__(self, channels: int) -> None:
        self.number = np.zeros(1, np.int64)
        self.total = np.zeros(channels, np.float64)
        self.square = np.zeros(channels, np.float64)
        self.sketch = np.zeros((channels, WIDTH), np.float64)
        self.drawn = np.zeros(WIDTH, np.float64)

    @classmethod
    def empty(cls, extent: Extent) -> Self:
        return cls(extent.channels)

    def update(self, summary: Summary, shown: Shown) -> None:
        entries = np.stack([directions(image_id) for image_id in shown.ids])
        peak = summary.peak.astype(np.float64)
        self.number += len(shown.ids)
        self.total += peak.sum(axis=0)
        self.square += (peak**2).sum(axis=0)
        # In torch's threads, which are awake: numpy's would have to be woken for each layer.
        torch.from_numpy(self.sketch).addmm_(torch.from_numpy(peak).T, torch.from_numpy(entries))
        self.drawn += entries.sum(axis=0)

    def merge(self, other: Self) -> None:
        for name in self.fields:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def finish(self) -> Arrays:
        """Sketches of the profiles centred and scaled to unit length: a dot product of two is
        their correlation over the images. Zero for a channel that answers alike to all of them."""
        number = max(1, int(self.number[0]))
        mean = self.total / number
        length = np.sqrt(np.maximum(self.square - number * mean**2, 0) * WIDTH)
        centred = self.sketch - mean[:, None] * self.drawn
        flat = length <= 1e-6 * np.sqrt(np.maximum(self.square, 1e-30) * WIDTH)
        scaled = np.where(flat[:, None], 0, centred / np.where(flat, 1, length)[:, None])
        return {"profile": scaled.astype(np.float32)}
