"""Spearman's rank correlation of maps: whether two put the image's positions into the same order.

Flow: **rank_correlation** -> sanity_checks, unit_attribution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Maps = NDArray[np.float32]


def ranked(maps: Maps) -> NDArray[np.float64]:
    """Each map's ranks, centred and of length 1, `(..., place)`; equal values share a mean rank.

    A map without any order, because it is constant or not finite, becomes NaN.

    Args:
        maps: `(..., row, column)`.
    """
    flat = maps.reshape(*maps.shape[:-2], -1)
    known = np.isfinite(flat).all(-1, keepdims=True)
    ranks = rankdata(np.where(known, flat, 0), axis=-1)
    ranks -= ranks.mean(-1, keepdims=True)
    length = np.sqrt((ranks**2).sum(-1, keepdims=True))
    found: NDArray[np.float64] = np.divide(
        ranks, length, out=np.full_like(ranks, np.nan), where=(length > 0) & known
    )
    return found


def spearman(first: Maps, second: Maps) -> NDArray[np.float64]:
    """Spearman's rank correlation of maps pair by pair, `(...)`; NaN where one has no order.

    Args:
        first, second: `(..., row, column)`.
    """
    found: NDArray[np.float64] = (ranked(first) * ranked(second)).sum(-1)
    return found
