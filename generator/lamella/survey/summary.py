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

from lamella.survey.bins import BINS, SHIFT, ZERO, table

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


@numba.njit(parallel=True, cache=True)  # type: ignore[untyped-decorator]
def _reduce(
    values: Any, bins: Any, peak: Any, position: Any, total: Any, square: Any, counts: Any
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
                    row[bins[bits[i] >> SHIFT]] += 1
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
    by_bits = torch.from_numpy(_TABLE.astype(np.int64)).to(values.device)
    bits = (values.contiguous().view(torch.int32) >> SHIFT) & (_TABLE.size - 1)
    bins = torch.where(values == 0, ZERO, by_bits[bits.long()])
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
