"""The bins in which activations are counted, and the bands of the activation spectrum: the same for
all layers, networks and runs.

Flow: **bins** -> reduction, summary, distribution, spectrum, activation_spectrum, statistics.

The bins' edges are floating-point numbers with four bits of mantissa, so that a bin is found by
shifting the number's own bits: sixteen bins per power of two from 2^-14 to 2^18, on both sides of
zero, and zero alone. Counts are therefore mergeable, and a quantile read off them is within 1/32 of
its value. Imports no torch: pages read counts too.
"""

import numpy as np
from numpy.typing import NDArray

PER_OCTAVE = 16
LOWEST, HIGHEST = -14, 18  # powers of two
SIDE = (HIGHEST - LOWEST) * PER_OCTAVE
ZERO = SIDE  # the bin of exact zeros; below it the negative ones, above it the positive ones
BINS = 2 * SIDE + 1
SHIFT = 23 - 4  # of a float32's 23 bits of mantissa, four count

# The bands of the activation spectrum, between the strongest and the weakest images of a unit.
BANDS = ((0.90, 0.99), (0.75, 0.90), (0.50, 0.75))  # shares of the images whose peak lies below
PER_BAND = 4  # images of each
BAND_SAMPLE = 256  # images of which the bands are cut


def table() -> NDArray[np.uint16]:
    """The bin of each float32 by its sign, exponent and first four bits of mantissa.

    What is smaller than 2^-130 counts as zero, so that counting needs no comparison.
    """
    found = np.empty(1 << (32 - SHIFT), dtype=np.uint16)
    for bits in range(found.size):
        negative, magnitude = divmod(bits, found.size // 2)
        step = min(max(magnitude - ((LOWEST + 127) << 4), 0), SIDE - 1)
        found[bits] = ZERO - 1 - step if negative else ZERO + 1 + step
        if magnitude == 0:
            found[bits] = ZERO
    return found


def edges() -> NDArray[np.float64]:
    """The edges between bins, ascending, BINS + 1 of them; the bin of zeros has no width."""
    octaves = np.arange(LOWEST, HIGHEST)
    steps = 1 + np.arange(PER_OCTAVE) / PER_OCTAVE
    positive = np.append((2.0 ** octaves[:, None] * steps).ravel(), 2.0**HIGHEST)
    positive[0] = 0.0  # the smallest ones are counted in the first bin
    return np.concatenate([-positive[::-1], positive])
