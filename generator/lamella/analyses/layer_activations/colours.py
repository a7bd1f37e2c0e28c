"""Activations as colours: a few steps, so that a map can be read off its picture again.

Flow: maps -> **colours** -> grid. What is never negative goes from a dark to a light colour, what
is signed from blue through white to red. Each step is one colour of a palette.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lamella.figures.heat import diverging

STEPS = 31  # colours above zero
EITHER = 16  # colours on either side of zero, where values are signed
DEAD = (136, 136, 136, 255)  # of the stroke through the cell of a unit that nothing excites
# The middle of Inferno (Smith and van der Walt 2015, CC0): dark violet, red, orange, pale yellow.
_ANCHORS = np.array(
    [[22, 11, 57], [74, 12, 107], [120, 28, 109], [165, 44, 96], [207, 68, 70], [237, 105, 37],
     [251, 155, 6], [247, 209, 61], [252, 255, 164]], dtype=np.float64
)  # fmt: skip

Levels = NDArray[np.int16]


def levels(values: NDArray[np.float32], limit: NDArray[np.float64], signed: bool) -> Levels:
    """Which colour each activation has.

    Args:
        values: (unit, row, column).
        limit: the activation of each unit that has the last colour; larger ones have it too.
            Where it is zero, every value counts as zero.
    Returns:
        0 to STEPS: 0 for zero, 1 at least for anything above it. Where signed, -EITHER to EITHER,
        rounded, so that 0 is what is nearly zero.
    """
    known = limit > 0
    scaled = values / np.where(known, limit, 1)[:, None, None] * known[:, None, None]
    up, down = np.ceil(scaled.clip(0, 1) * STEPS), np.rint(scaled.clip(-1, 1) * EITHER)
    found: Levels = (down if signed else up).astype(np.int16)
    return found


def palette(signed: bool) -> NDArray[np.uint8]:
    """The colours, (step, 3): of the levels in order, from -EITHER on where signed."""
    if signed:
        return diverging(np.linspace(-1, 1, 2 * EITHER + 1), 1.0)
    at = np.linspace(0, len(_ANCHORS) - 1, STEPS + 1)
    mixed = [np.interp(at, range(len(_ANCHORS)), _ANCHORS[:, channel]) for channel in range(3)]
    return np.stack(mixed, axis=-1).round().astype(np.uint8)


def coloured(found: Levels, signed: bool) -> NDArray[np.uint8]:
    """Levels as colours, (..., 3)."""
    colours: NDArray[np.uint8] = palette(signed)[found + (EITHER if signed else 0)]
    return colours
