"""A batch of one layer's activations, reduced in a single reading of memory.

Flow: activations -> **summary** -> collectors. Activations outweigh the arithmetic that made them:
five torch reductions cost as much as SqueezeNet's whole forward pass, one fused loop a fraction of
it. All collectors read this summary and nothing else. On a GPU, torch's reductions do the same.
"""

from dataclasses import dataclass

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.survey.bins import BINS, SHIFT, table
from lamella.survey.reduction import reduce


@dataclass(frozen=True, slots=True)
class Summary:
    """What one batch says of one layer.

    Attributes:
        peak: the largest activation of each image and channel, (image, channel).
        position: where, as row * columns + column; the first of equals.
        low, low_position: likewise the smallest; (0, 0) where nobody asked.
        total, square: sums of activations and of their squares, (image, channel), float64.
        counts: activations per bin, (channel, BINS), over all images and positions.
        vectors: the layer's values at chosen places, (image * place, channel).
        places: positions per image and channel.
    """

    peak: NDArray[np.float32]
    position: NDArray[np.int32]
    low: NDArray[np.float32]
    low_position: NDArray[np.int32]
    total: NDArray[np.float64]
    square: NDArray[np.float64]
    counts: NDArray[np.int32]
    vectors: NDArray[np.float32]
    places: int


_TABLE = table()


def summarise(values: Tensor, *, low: bool = False, at: NDArray[np.int64] | None = None) -> Summary:
    """Reduce activations, (image, channel, row, column).

    Args:
        low: whether the smallest activations are wanted too.
        at: places whose vectors are wanted, (image, place).
    """
    values = values.detach().float()
    images, channels, rows, columns = values.shape
    places = rows * columns
    by_place = values.permute(0, 2, 3, 1).reshape(
        images, places, channels
    )  # a view where torch convolves on processors
    if at is None:
        vectors = np.empty((0, channels), np.float32)
    else:
        numbers = torch.arange(images, device=values.device)[:, None]
        chosen = by_place[numbers, torch.from_numpy(at).to(values.device)]
        vectors = chosen.reshape(-1, channels).cpu().numpy()
    if values.device.type == "cuda":
        return _summarise_on_device(values.flatten(2), low, vectors)
    asked = (images, channels) if low else (0, 0)
    counters = np.zeros((numba.get_num_threads(), channels, BINS), np.int32)
    found = Summary(
        peak=np.empty((images, channels), np.float32),
        position=np.empty((images, channels), np.int32),
        low=np.empty(asked, np.float32),
        low_position=np.zeros(asked, np.int32),
        total=np.empty((images, channels), np.float64),
        square=np.empty((images, channels), np.float64),
        counts=counters[0],
        vectors=vectors,
        places=places,
    )
    reduce(
        by_place.contiguous().numpy(),
        _TABLE,
        found.peak,
        found.position,
        found.low,
        found.low_position,
        found.total,
        found.square,
        counters,
    )
    for more in counters[1:]:
        np.add(found.counts, more, out=found.counts)
    return found


def _summarise_on_device(
    values: Tensor, low: bool = False, vectors: NDArray[np.float32] | None = None
) -> Summary:
    """The same with torch, where the activations are, (image, channel, place)."""
    _, channels, places = values.shape
    peak, position = values.max(2)
    lowest, low_position = values.min(2) if low else (peak[:0, :0], position[:0, :0])
    wide = values.double()
    by_bits = torch.from_numpy(_TABLE.astype(np.int64)).to(values.device)
    bits = (values.contiguous().view(torch.int32) >> SHIFT) & (_TABLE.size - 1)
    numbered = by_bits[bits.long()] + torch.arange(channels, device=values.device)[:, None] * BINS
    counts = torch.bincount(numbered.flatten(), minlength=channels * BINS)
    return Summary(
        peak=peak.cpu().numpy(),
        position=position.int().cpu().numpy(),
        low=lowest.cpu().numpy(),
        low_position=low_position.int().cpu().numpy(),
        total=wide.sum(2).cpu().numpy(),
        square=wide.square().sum(2).cpu().numpy(),
        counts=counts.reshape(channels, BINS).int().cpu().numpy(),
        vectors=np.empty((0, channels), np.float32) if vectors is None else vectors,
        places=places,
    )
