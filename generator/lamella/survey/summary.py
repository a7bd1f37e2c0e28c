"""A batch of one layer's activations, reduced in a single reading of memory.

Flow: activations -> **summary** -> collectors. Activations outweigh the arithmetic that made them:
five torch reductions cost as much as SqueezeNet's whole forward pass, one fused loop a seventh of
it. All collectors live on this summary. On a GPU, torch's reductions do the same.

Counts are kept in bins whose edges are floating-point numbers with four bits of mantissa, so that
a bin is found by shifting the number's own bits: sixteen bins per power of two from 2^-14 to 2^18,
on both sides of zero, and zero alone. The edges are the same for all layers, networks and runs,
which makes counts mergeable, and a quantile read off them is within 1/32 of its value.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PER_OCTAVE = 16
LOWEST, HIGHEST = -14, 18  # powers of two
SIDE = (HIGHEST - LOWEST) * PER_OCTAVE
ZERO = SIDE  # the bin of exact zeros; below it the negative ones, above it the positive ones
BINS = 2 * SIDE + 1
_SHIFT = 23 - 4  # of a float32's 23 bits of mantissa, four count


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


def _bin_of_bits() -> NDArray[np.uint16]:
    """The bin of each float32 by its sign, exponent and first four bits of mantissa."""
    table = np.empty(1 << (32 - _SHIFT), dtype=np.uint16)
    for bits in range(table.size):
        negative, magnitude = divmod(bits, table.size // 2)
        step = magnitude - ((LOWEST + 127) << 4)
        step = min(max(step, 0), SIDE - 1)
        table[bits] = ZERO - 1 - step if negative else ZERO + 1 + step
    return table


_TABLE = _bin_of_bits()


def edges() -> NDArray[np.float64]:
    """The edges between bins, ascending, BINS + 1 of them; the bin of zeros has no width."""
    octaves = np.arange(LOWEST, HIGHEST)
    steps = 1 + np.arange(PER_OCTAVE) / PER_OCTAVE
    positive = np.append((2.0**octaves[:, None] * steps).ravel(), 2.0**HIGHEST)
    positive[0] = 0.0  # the smallest ones are counted in the first bin
    return np.concatenate([-positive[::-1], positive])


@numba.njit(parallel=True, cache=True)  # type: ignore[untyped-decorator]
def _reduce(
    values: Any, table: Any, peak: Any, position: Any, total: Any, square: Any, counts: Any
) -> None:
    images, channels, places = values.shape
    for channel in numba.prange(channels):
        row = counts[channel]
        for image in range(images):
            activations = values[image, channel]
            bits = activations.view(np.uint32)
            best, at, added, squared = activations[0], 0, 0.0, 0.0
            for i in range(places):
                value = activations[i]
                if value > best:
                    best, at = value, i
                added += value
                squared += np.float64(value) * value
            for i in range(places):
                if activations[i] == 0:
                    row[ZERO] += 1
                else:
                    row[table[bits[i] >> _SHIFT]] += 1
            peak[image, channel], position[image, channel] = best, at
            total[image, channel], square[image, channel] = added, squared


def summarise(values: Tensor) -> Summary:
    """Reduce activations, (image, channel, row, column)."""
    values = values.detach().flatten(2).float()
    if values.device.type == "cuda":
        return _summarise_on_device(values)
    activations = values.contiguous().cpu().numpy()
    images, channels, places = activations.shape
    summary = Summary(
        peak=np.empty((images, channels), np.float32),
        position=np.empty((images, channels), np.int32),
        total=np.empty((images, channels), np.float64),
        square=np.empty((images, channels), np.float64),
        counts=np.zeros((channels, BINS), np.int32),
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
    images, channels, places = values.shape
    peak, position = values.max(2)
    wide = values.double()
    table = torch.from_numpy(_TABLE.astype(np.int64)).to(values.device)
    bits = (values.contiguous().view(torch.int32) >> _SHIFT) & (_TABLE.size - 1)
    bins = torch.where(values == 0, ZERO, table[bits.long()])
    numbered = bins + torch.arange(channels, device=values.device)[:, None] * BINS
    counts = torch.bincount(numbered.flatten(), minlength=channels * BINS)
    return Summary(
        peak=peak.cpu().numpy(),
        position=position.int().cpu().numpy(),
        total=wide.sum(2).cpu().numpy(),
        square=wide.square().sum(2).cpu().numpy(),
        counts=counts.reshape(channels, BINS).int().cpu().numpy(),
        places=places,
    )
