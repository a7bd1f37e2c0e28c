"""The loops over all activations of a batch: the only place where each number is touched.

Flow: activations -> **reduction** -> summary -> collectors. One thread per run of images; a chunk
of places is added up, searched and counted while it lies in the cache.
"""

from typing import Any

import numba
import numpy as np

from lamella.survey.bins import SHIFT

CHUNK = 128  # places
BLOCK = 16  # channels whose counters are in use together; a cache line of activations
UP, DOWN = np.int32(0), np.int32(-1)
REST = np.int32(0x7FFFFFFF)  # all bits of a float32 but its sign
NEGATIVE_ZERO = np.int32(-(2**31))
NONE = np.int32(-(2**31))  # ranks below every number


@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def _add(rows: Any, away: Any, square: Any, total: Any, total_square: Any) -> None:
    """Sums and sums of squares of each channel of a chunk, (place, channel); NaN stays NaN.

    In float32 and no fixed order, as distances from the chunk's first value: a channel that hardly
    varies keeps its small deviation.
    """
    places, channels = rows.shape
    first = rows[0]
    away[:] = 0
    square[:] = 0
    for place in range(1, places):
        for channel in range(channels):
            distance = rows[place, channel] - first[channel]
            away[channel] += distance
            square[channel] += distance * distance
    for channel in range(channels):
        base, added = np.float64(first[channel]), np.float64(away[channel])
        total[channel] += added + places * base
        total_square[channel] += (
            np.float64(square[channel]) + 2 * base * added + places * base * base
        )


@numba.njit(cache=True)
def _highest(bits: Any, best: Any, position: Any, start: int, turned: Any) -> None:
    """The largest value of each channel so far and its first place; `turned` DOWN: the smallest.

    Bits of float32 numbers are compared as integers, with those of negative numbers turned round:
    unlike a maximum of floats, which must mind NaN, this runs in vector registers.
    """
    places, channels = bits.shape
    for place in range(places):
        at = np.int32(start + place)
        for channel in range(channels):
            found = bits[place, channel]
            found = np.int32(0) if found == NEGATIVE_ZERO else found
            rank = found ^ ((found >> np.int32(31)) & REST) ^ turned
            more = rank > best[channel]
            best[channel] = rank if more else best[channel]
            position[channel] = at if more else position[channel]


@numba.njit(cache=True)
def _count(bits: Any, bins: Any, counters: Any) -> None:
    """Count a chunk's values by bin. Neighbouring channels take turns: adding twice in a row to the
    same counter, that of zeros mostly, would wait for itself."""
    places, channels = bits.shape
    for first in range(0, channels, BLOCK):
        last = min(first + BLOCK, channels)
        for place in range(places):
            for channel in range(first, last):
                counters[channel, bins[bits[place, channel] >> SHIFT]] += 1


@numba.njit(parallel=True, cache=True)
def reduce(
    values: Any,
    bins: Any,
    peak: Any,
    position: Any,
    low: Any,
    low_position: Any,
    total: Any,
    square: Any,
    counters: Any,
) -> None:
    """Reduce activations, (image, place, channel).

    Args:
        bins: the bin of each float32 by its first bits.
        peak, position, total, square: to be filled, (image, channel).
        low, low_position: likewise, or (0, 0) where nobody asked.
        counters: zeros, (thread, channel, bin).
    """
    images, places, channels = values.shape
    threads = counters.shape[0]
    for thread in numba.prange(threads):
        added = np.empty(channels, np.float32)
        squared = np.empty(channels, np.float32)
        best = np.empty(channels, np.int32)
        least = np.empty(channels, np.int32)
        for image in range(images * thread // threads, images * (thread + 1) // threads):
            total[image] = 0
            square[image] = 0
            position[image] = 0
            best[:] = NONE
            least[:] = NONE
            for start in range(0, places, CHUNK):
                rows = values[image, start : min(places, start + CHUNK)]
                _add(rows, added, squared, total[image], square[image])
                _highest(rows.view(np.int32), best, position[image], start, UP)
                if low.size:
                    _highest(rows.view(np.int32), least, low_position[image], start, DOWN)
                _count(rows.view(np.uint32), bins, counters[thread])
            for channel in range(channels):
                peak[image, channel] = values[image, position[image, channel], channel]
                if low.size:
                    low[image, channel] = values[image, low_position[image, channel], channel]
