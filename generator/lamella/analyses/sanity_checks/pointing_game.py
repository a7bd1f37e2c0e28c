"""The pointing game: whether a map's maximum lies where a person would point.

Flow: maps + masks -> **pointing_game** -> compute. What the explained class is does not matter:
masks say where the thing is, not what it is.

Source: Zhang, Lin, Brandt, Shen and Sclaroff 2016, "Top-down Neural Attention by Excitation
Backprop", arXiv:1608.00507, section 4.2: a hit lies on the thing or at most 15 pixels beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from lamella.analyses.sanity_checks.masks import Mask
from lamella.numbers.rank_correlation import Maps

TOLERANCE = 15 / 224  # in sides of the image


def hit_region(mask: Mask) -> Mask:
    """Where a point counts as a hit: the mask, and what lies at most the tolerance beside it.

    Args:
        mask: `(side, side)`, with at least one pixel of the thing.
    """
    near: Mask = distance_transform_edt(~mask) <= TOLERANCE * mask.shape[0]
    return near


def maxima(values: Maps) -> NDArray[np.float64]:
    """Where a map is largest, in sides of the image, `(place, 2)`: row and column of each maximum.

    Positions of a coarse map count where their middle is. A map with several equal maxima has
    several places, a constant one all; one that is not finite has none.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros((0, 2))
    at = np.argwhere(values == finite.max())
    where: NDArray[np.float64] = (at + 0.5) / np.array(values.shape)
    return where


def hit(values: Maps, near: Mask) -> float:
    """Whether a map's maximum is a hit; of several equal ones the share that is."""
    where = maxima(values)
    if not len(where):
        return 0.0
    cells = (where * np.array(near.shape)).astype(np.int64).clip(0, np.array(near.shape) - 1)
    return float(near[cells[:, 0], cells[:, 1]].mean())


def centre_hit(near: Mask) -> float:
    """Whether the middle of the image is a hit: the mean of the pixels that meet there."""
    rows, columns = near.shape
    middle = near[(rows - 1) // 2 : rows // 2 + 1, (columns - 1) // 2 : columns // 2 + 1]
    return float(middle.mean())
