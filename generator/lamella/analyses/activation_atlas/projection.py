"""Vectors on a plane: near each other where the layer says alike, and spread over a square.

Flow: sampling -> **projection** -> grid. UMAP (McInnes et al. 2018, arXiv:1802.03426) by the
cosine, from the plane of the principal components. Neighbours are found exactly up to `EXACT`
vectors, which takes time with their square and memory with their number; beyond, approximately by
UMAP.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.numbers import layouts

NEIGHBOURS = 15
SPREAD = 0.1
EXACT = 30_000
BLOCK = 512  # vectors that are compared with all others at once
CLIPPED = 0.5  # percent of the points on either side of an axis that count as outliers
MARGIN = 0.05  # of the extent, where outliers end up

Points = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Umap:
    """What `layouts` asks for."""

    neighbours: int = NEIGHBOURS
    spread: float = SPREAD
    perplexity: float = 30.0


def plane(vectors: Points, seed: int) -> Points:
    """Vectors on a plane, `(vector, 2)`; in a row where there are too few to be told apart."""
    number, unit = len(vectors), directions(vectors)
    if number < layouts.FEWEST or not np.ptp(unit, axis=0).max() > 1e-6:
        return np.stack([np.arange(number), np.zeros(number)], axis=1).astype(np.float32)
    start = layouts.plane(layouts.principal(unit, 2, "covariance_eigh")[0])
    near = nearest(unit, min(NEIGHBOURS, number - 1)) if number <= EXACT else None
    return layouts.umap_plane(unit, start, _Umap(), seed, near)


def directions(vectors: Points) -> Points:
    """Vectors at unit length."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
    scaled = vectors / np.maximum(largest, np.finfo(np.float32).tiny)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    unit: Points = (scaled / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


def nearest(unit: Points, number: int) -> tuple[NDArray[np.int32], Points]:
    """The nearest vectors of each by the cosine, itself first, and their distances: exact.

    Args:
        unit: at unit length.
    """
    found = np.zeros((len(unit), number), np.int32)
    distance = np.zeros((len(unit), number), np.float32)
    for first in range(0, len(unit), BLOCK):
        own = np.arange(first, min(first + BLOCK, len(unit)))
        apart = 1 - unit[own] @ unit.T
        apart[np.arange(len(own)), own] = -1  # itself, whatever else is the same
        order = np.argpartition(apart, number - 1, axis=1)[:, :number]
        close = np.take_along_axis(apart, order, axis=1)
        ranks = np.argsort(close, axis=1, kind="stable")
        found[own] = np.take_along_axis(order, ranks, axis=1)
        distance[own] = np.take_along_axis(close, ranks, axis=1).clip(0)
    return found, distance


def spread(points: Points) -> Points:
    """Points fitted into the unit square, each axis by itself; outliers end up in its margin.

    As the paper's notebooks do it: by quantiles, not by extremes, or a few strays would leave the
    rest to a corner.
    """
    if not len(points):
        return points
    low, high = np.percentile(points.astype(np.float64), [CLIPPED, 100 - CLIPPED], axis=0)
    extent = high - low
    low, high = low - MARGIN * extent, high + MARGIN * extent
    flat = high - low <= 0
    inside = np.where(flat, 0.5, (points - low) / np.where(flat, 1, high - low))
    fitted: Points = inside.clip(0, 1).astype(np.float32)
    return fitted
