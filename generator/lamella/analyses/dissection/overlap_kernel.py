"""The loops of `overlap`, compiled: how many pixels of each concept a unit marks.

Flow: activations + label planes -> **overlap_kernel** -> overlap.
"""

from typing import Any

import numba
import numpy as np

BLOCK = 16  # channels that one thread takes at a time: a cache line of a channels-last place
RUN = 128  # places: with a block, what a first-level cache holds


@numba.njit(cache=True)
def largest_bits(bits: Any, size: int) -> Any:
    """The largest of some floats as the integer that their bits are, which vector registers find.

    Above zero these compare as the floats do; a NaN is taken for large, and found out later.
    """
    best = bits[0]
    for i in range(1, size):
        best = max(best, bits[i])
    return best


@numba.njit(parallel=True, cache=True)
def count_overlap(
    values: Any,
    by_channel: bool,
    thresholds: Any,
    row_first: Any,
    row_share: Any,
    column_first: Any,
    column_share: Any,
    planes: Any,
    present: Any,
    both: Any,
    marked: Any,
    above: Any,
) -> None:
    """Count over one batch; see `Overlap`.

    Args:
        values: contiguous, (image, channel, row, column) or, without `by_channel`, (image, row,
            column, channel).
        planes: (image, plane, row, column): numbers of concepts from 1, 0 for none.
        present: (image, kind): whether the image has a concept of that kind.
    """
    if by_channel:
        images, channels, rows, columns = values.shape
    else:
        images, rows, columns, channels = values.shape
    places = rows * columns
    flat = values.reshape((images, channels, places) if by_channel else (images, places, channels))
    one = np.float32(1)
    for block in numba.prange((channels + BLOCK - 1) // BLOCK):
        start = block * BLOCK
        width = min(BLOCK, channels - start)
        run = np.empty((BLOCK, RUN), np.float32)
        bits = run.view(np.int32)
        limits = thresholds[start : start + width]
        limit_bits = limits.view(np.int32)
        # Rows with anything above; none behind the last.
        hit = np.empty((BLOCK, rows + 1), np.bool_)
        strong = np.empty(BLOCK, np.int64)
        upper, lower = np.empty(columns, np.float32), np.empty(columns, np.float32)
        for image in range(images):
            hit[:] = False
            strong[:] = 0
            for first in range(0, places, RUN):
                size = min(RUN, places - first)
                if by_channel:
                    for i in range(width):
                        for place in range(size):
                            run[i, place] = flat[image, start + i, first + place]
                else:
                    for place in range(size):
                        for i in range(width):
                            run[i, place] = flat[image, first + place, start + i]
                for i in range(width):
                    if limits[i] > 0 and largest_bits(bits[i], size) > limit_bits[i]:
                        for place in range(size):
                            if run[i, place] > limits[i]:
                                strong[i] += 1
                                hit[i, (first + place) // columns] = True
            for i in range(width):
                if strong[i] == 0:
                    continue
                channel, limit = start + i, limits[i]
                above[channel] += strong[i]
                pixels = 0
                for r in range(rows):
                    if not (hit[i, r] or hit[i, r + 1]) or row_first[r] == row_first[r + 1]:
                        continue
                    for c in range(columns):
                        at, below = r * columns + c, min(r + 1, rows - 1) * columns + c
                        if by_channel:
                            upper[c], lower[c] = (
                                flat[image, channel, at],
                                flat[image, channel, below],
                            )
                        else:
                            upper[c], lower[c] = (
                                flat[image, at, channel],
                                flat[image, below, channel],
                            )
                    for c in range(columns):
                        right = min(c + 1, columns - 1)
                        nw, ne, sw, se = upper[c], upper[right], lower[c], lower[right]
                        if not (nw > limit or ne > limit or sw > limit or se > limit):
                            continue
                        for x in range(column_first[c], column_first[c + 1]):
                            along = column_share[x]
                            north = (one - along) * nw + along * ne
                            south = (one - along) * sw + along * se
                            if not (north > limit or south > limit):
                                continue
                            for y in range(row_first[r], row_first[r + 1]):
                                down = row_share[y]
                                if (one - down) * north + down * south > limit:
                                    pixels += 1
                                    for plane in range(planes.shape[1]):
                                        both[channel, planes[image, plane, y, x]] += 1
                for kind in range(present.shape[1]):
                    if present[image, kind]:
                        marked[channel, kind] += pixels
