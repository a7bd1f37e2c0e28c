"""A batch of one layer's activations, reduced in a single reading of memory.

Flow: activations -> **summary** -> collectors. Activations outweigh the arithmetic that made them:
five torch reductions cost as much as SqueezeNet's whole forward pass, one fused loop a seventh of
it. All collectors live on this summary. On a GPU, torch's reductions do the same.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.survey.bins import BINS, SHIFT, table

BLOCK = 16  # channels that are reduced together: a cache line of a channels-last place
RUN = 128  # places: with a block, what a first-level cache holds


@dataclass(frozen=True, slots=True)
class Summary:
    """What one batch says of one layer.

    Attributes:
        peak: the largest activation of each image and channel, (image, channel).
        position: where, as row * columns + column; the first of equals.
        total, square: sums of activations and of their squares, (image, channel), float64.
        counts: activations per bin, (channel, BINS), over all images and positions.
        places: positions per image and channel.
    """

    peak: NDArray[np.float32]
    position: NDArray[np.int32]
    total: NDArray[np.float64]
    square: NDArray[np.float64]
    counts: NDArray[np.int32]
    places: int


_TABLE = table()


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def _sums(row: Any, size: int) -> Any:
    """The sum and the sum of squares of one run; NaN stays NaN.

    Added up in float32, in no fixed order, as distances from the run's first value: a channel that
    hardly varies keeps its small deviation.
    """
    added, squared, base = np.float32(0), np.float32(0), row[0]
    for i in range(size):
        away = row[i] - base
        added += away
        squared += away * away
    wide, whole = np.float64(base), np.float64(added)
    return whole + size * wide, np.float64(squared) + 2 * wide * whole + size * wide * wide


@numba.njit(cache=True, fastmath={"nnan", "nsz"})
def _largest(row: Any, size: int) -> Any:
    best = row[0]
    for i in range(1, size):
        best = max(best, row[i])
    return best


@numba.njit(parallel=True, cache=True)
def _reduce(
    values: Any, bins: Any, peak: Any, position: Any, total: Any, square: Any, counts: Any
) -> None:
    """Reduce (image, place, channel) of any strides.

    A run of places of some neighbouring channels is copied to where each channel's values lie side
    by side and stay in the cache, whatever the layout. Counting goes through four channels side by
    side: adding twice in a row to the same counter, the zeros' mostly, would wait for itself.
    """
    images, places, channels = values.shape
    for block in numba.prange((channels + BLOCK - 1) // BLOCK):
        first = block * BLOCK
        width = min(BLOCK, channels - first)
        run = np.zeros((BLOCK, RUN), np.float32)
        counters = np.zeros((BLOCK, counts.shape[1]), np.int32)
        for image in range(images):
            peak[image, first : first + width] = -np.inf
            position[image, first : first + width] = 0
            total[image, first : first + width] = 0
            square[image, first : first + width] = 0
            for start in range(0, places, RUN):
                size = min(RUN, places - start)
                for place in range(size):
                    source = values[image, start + place, first : first + width]
                    for i in range(width):
                        run[i, place] = source[i]
                for i in range(width):
                    row, channel = run[i], first + i
                    added, squared = _sums(row, size)
                    total[image, channel] += added
                    square[image, channel] += squared
                    best = _largest(row, size)
                    if best > peak[image, channel]:
                        peak[image, channel] = best
                        for place in range(size):
                            if row[place] == best:
                                position[image, channel] = start + place
                                break
                for i in range(0, width, 4):  # beyond `width`, counters that nobody reads
                    one, two, three, four = counters[i : i + 4]
                    bits = run[i : i + 4].view(np.uint32)
                    for place in range(size):
                        one[bins[bits[0, place] >> SHIFT]] += 1
                        two[bins[bits[1, place] >> SHIFT]] += 1
                        three[bins[bits[2, place] >> SHIFT]] += 1
                        four[bins[bits[3, place] >> SHIFT]] += 1
        counts[first : first + width] = counters[:width]


def summarise(values: Tensor) -> Summary:
    """Reduce activations, (image, channel, row, column)."""
    values = values.detach().float()
    if values.device.type == "cuda":
        return _summarise_on_device(values.flatten(2))
    by_place = values.cpu().permute(0, 2, 3, 1)
    images, rows, columns, channels = by_place.shape
    places = rows * columns
    activations = by_place.reshape(images, places, channels).numpy()  # a view, in either layout
    summary = Summary(
        peak=np.empty((images, channels), np.float32),
        position=np.empty((images, channels), np.int32),
        total=np.empty((images, channels), np.float64),
        square=np.empty((images, channels), np.float64),
        counts=np.empty((channels, BINS), np.int32),
        places=places,
    )
    _reduce(
        activations,
        _TABLE,
        summary.peak,
        summary.position,
        summary.total,
        summary.square,
        summary.counts,
    )
    return summary


def _summarise_on_device(values: Tensor) -> Summary:
    """The same with torch, where the activations are."""
    _, channels, places = values.shape
    peak, position = values.max(2)
    wide = values.double()
    by_bits = torch.from_numpy(_TABLE.astype(np.int64)).to(values.device)
    bits = (values.contiguous().view(torch.int32) >> SHIFT) & (_TABLE.size - 1)
    numbered = by_bits[bits.long()] + torch.arange(channels, device=values.device)[:, None] * BINS
    counts = torch.bincount(numbered.flatten(), minlength=channels * BINS)
    return Summary(
        peak=peak.cpu().numpy(),
        position=position.int().cpu().numpy(),
        total=wide.sum(2).cpu().numpy(),
        square=wide.square().sum(2).cpu().numpy(),
        counts=counts.reshape(channels, BINS).int().cpu().numpy(),
        places=places,
    )
