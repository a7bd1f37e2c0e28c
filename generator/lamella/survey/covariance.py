"""In how many directions a layer's activation vectors vary.

Flow: summary -> **covariance** -> run -> store.
"""

import hashlib
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from lamella.survey.collector import Arrays, Collector, Extent, Shown
from lamella.survey.summary import Summary

PER_IMAGE = 4
LARGEST = 4096  # channels; the covariance of more would take too much memory


@lru_cache(maxsize=4096)  # every layer of the same size asks for those of the same batch
def drawn_positions(image_id: str, number: int) -> tuple[int, ...]:
    """Four different positions of an image in a layer of `number` positions, drawn by its id."""
    if number <= PER_IMAGE:
        return tuple(range(number))
    seed = hashlib.sha256(f"places/{image_id}/{number}".encode()).digest()[:8]
    random = np.random.Generator(np.random.Philox(int.from_bytes(seed, "big")))
    return tuple(random.choice(number, PER_IMAGE, replace=False).tolist())


class Covariance(Collector):
    """Of the layer's vectors at four places of every image; its eigenvalues are the facts.

    Memory: 8 bytes times the square of the channels. In float64: in float32 a small variance beside
    a large one depended on how the images were split.
    """

    fields: ClassVar[tuple[str, ...]] = ("number", "total", "square")

    def __init__(self, channels: int) -> None:
        self.number = np.zeros(1, np.int64)
        self.total = np.zeros(channels, np.float64)
        self.square = np.zeros((channels, channels), np.float64)

    @classmethod
    def empty(cls, extent: Extent) -> Self:
        return cls(extent.channels)

    @classmethod
    def suits(cls, extent: Extent) -> bool:
        return extent.channels <= LARGEST

    def update(self, summary: Summary, shown: Shown) -> None:
        vectors = torch.from_numpy(summary.vectors).double()
        self.number += len(vectors)
        self.total += summary.vectors.sum(axis=0, dtype=np.float64)
        torch.from_numpy(self.square).addmm_(vectors.T, vectors)

    def merge(self, other: Self) -> None:
        for name in self.fields:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def finish(self) -> Arrays:
        """`spectrum`, (channel,): the eigenvalues, largest first; `spectrum_vectors`: of how many
        vectors, the same number for all."""
        number = max(1, int(self.number[0]))
        mean = self.total / number
        covariance = self.square / number - np.outer(mean, mean)
        values = np.maximum(np.linalg.eigvalsh(covariance)[::-1], 0)
        # What rounding leaves of a layer that never varies is no variance.
        values = np.where(values > 1e-12 * np.trace(self.square) / number, values, 0)
        return {
            "spectrum": values.astype(np.float32),
            "spectrum_vectors": np.full(len(values), number, np.int64),
        }


def sampled(ids: tuple[str, ...], number: int) -> NDArray[np.int64]:
    """The places of a batch's images, (image, place)."""
    return np.array([drawn_positions(image_id, number) for image_id in ids], np.int64)
