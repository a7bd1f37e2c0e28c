"""Images from all bands of the activation spectrum, not only from the top.

Flow: summary -> **spectrum** -> run -> store. Pictures of the strongest images alone mislead: a
channel that looks like a dog detector at the top may answer to much else further down.
"""

import hashlib
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lamella.survey.bins import BAND_SAMPLE, BANDS, PER_BAND
from lamella.survey.collector import Arrays, Collector, Extent, Shown
from lamella.survey.summary import Summary

LAST = np.iinfo(np.uint64).max


def lot(image_id: str) -> np.uint64:
    """The number that an image draws; the smallest ones are the sample."""
    drawn = int.from_bytes(hashlib.sha256(b"sample/" + image_id.encode()).digest()[:8], "big")
    return np.uint64(min(drawn, int(LAST) - 1))


class Spectrum(Collector):
    """Peaks on a uniform sample of the images, the same for all channels.

    Every image draws a number from its id; the 256 smallest are kept (bottom-k sampling), so that
    parts merge to the sample of the whole. The rank of an image is that among the sample: its
    standard error is at most 1 / (2 sqrt(256)), 3 %, and nothing where there are no more images.
    """

    fields: ClassVar[tuple[str, ...]] = ("lots", "image", "peak", "position")

    def __init__(self, channels: int) -> None:
        self.lots = np.full(BAND_SAMPLE, LAST, np.uint64)
        self.image = np.full(BAND_SAMPLE, -1, np.int64)
        self.peak = np.zeros((BAND_SAMPLE, channels), np.float32)
        self.position = np.zeros((BAND_SAMPLE, channels), np.int32)

    @classmethod
    def empty(cls, extent: Extent) -> Self:
        return cls(extent.channels)

    def update(self, summary: Summary, shown: Shown) -> None:
        lots = np.array([lot(image_id) for image_id in shown.ids], np.uint64)
        self._join(lots, shown.numbers, summary.peak, summary.position)

    def merge(self, other: Self) -> None:
        self._join(other.lots, other.image, other.peak, other.position)

    def _join(
        self,
        lots: NDArray[np.uint64],
        image: NDArray[np.int64],
        peak: NDArray[np.float32],
        position: NDArray[np.int32],
    ) -> None:
        for entry in np.argsort(lots, kind="stable").tolist():
            place = int(self.lots.argmax())
            if image[entry] < 0 or not lots[entry] < self.lots[place]:
                break
            self.lots[place], self.image[place] = lots[entry], image[entry]
            self.peak[place], self.position[place] = peak[entry], position[entry]

    def finish(self) -> Arrays:
        """Four images from each band of ranks, spread evenly over it, strongest first."""
        order = np.argsort(self.image, kind="stable")  # whatever the order of the batches
        order = order[self.image[order] >= 0]
        peak, position, image = self.peak[order].T, self.position[order].T, self.image[order]
        channels, number = peak.shape
        shape = (channels, len(BANDS), PER_BAND)
        found: Arrays = {
            "spectrum_activation": np.zeros(shape, np.float32),
            "spectrum_rank": np.zeros(shape, np.float32),
            "spectrum_image": np.full(shape, -1, np.int32),
            "spectrum_position": np.zeros(shape, np.int32),
        }
        ranked = np.argsort(peak, axis=1, kind="stable")
        rows = np.arange(channels)
        for band, (low, high) in enumerate(BANDS):
            first, stop = int(np.ceil(low * number)), int(np.ceil(high * number))
            wanted = np.unique(np.linspace(stop - 1, first, PER_BAND).round().astype(int))[::-1]
            for at, rank in enumerate(wanted.tolist() if stop > first else []):
                entry = ranked[:, rank]
                found["spectrum_activation"][:, band, at] = peak[rows, entry]
                found["spectrum_rank"][:, band, at] = rank / number
                found["spectrum_image"][:, band, at] = image[entry]
                found["spectrum_position"][:, band, at] = position[rows, entry]
        return found
