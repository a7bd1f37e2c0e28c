"""The nearest neighbours of every image, by three distances.

Flow: features -> **neighbours** -> space. Up to a stated number of images the search is exact
(scikit-learn, every distance in blocks: quadratic in time, linear in memory); beyond it pynndescent
finds approximate ones, which takes about n log n.

Source: Dong, Moses and Li 2011, "Efficient k-nearest neighbor graph construction for generic
similarity measures", WWW, doi:10.1145/1963405.1963487.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KINDS = ("l2", "cosine", "pixels")  # what is near: features by Euclid or by angle, pixels by Euclid
Found = NDArray[np.int64]


def nearest(
    points: NDArray[np.float32], number: int, metric: str, *, exact: int, seed: int
) -> Found:
    """The rows that lie nearest to each row, itself left out, nearest first.

    Args:
        points: (row, dimension).
        number: how many; fewer where there are not so many others.
        metric: "euclidean" or "cosine"; a row of zeros is at distance 1 from all by cosine.
        exact: up to so many rows the search is exact.
    Returns:
        (row, neighbour).
    """
    number = min(number, len(points) - 1)
    if number < 1:
        return np.zeros((len(points), 0), np.int64)
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=number, metric=metric, algorithm="brute").fit(points)
    if len(points) <= exact:
        return np.asarray(index.kneighbors(return_distance=False), np.int64)
    found = _approximate(points, number, metric, seed)
    # Where too few were found, they are looked for one row at a time.
    own = np.arange(len(points))[:, None]
    for row in np.flatnonzero(((found < 0) | (found == own)).any(axis=1)).tolist():
        others = index.kneighbors(points[row : row + 1], number + 1, return_distance=False)[0]
        found[row] = others[others != row][:number]
    return found


def _approximate(points: NDArray[np.float32], number: int, metric: str, seed: int) -> Found:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pynndescent warns where it found fewer than it wanted
        from pynndescent import NNDescent

        # A wider graph than is asked for finds more of the true neighbours. One thread: several
        # would find others each time.
        wide = min(max(2 * number, 15), len(points) - 1)
        graph, _ = NNDescent(
            points, metric, n_neighbors=wide + 1, random_state=seed, n_jobs=1
        ).neighbor_graph
    # A row is its own nearest neighbour, but not always the first of several that are alike; -1
    # stands where none was found.
    own = np.arange(len(points))[:, None]
    order = np.argsort((graph == own) | (graph < 0), axis=1, kind="stable")
    found: Found = np.take_along_axis(graph, order, axis=1)[:, :number].astype(np.int64)
    return found


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often neighbours carry the label of the image that they are neighbours of.

    Attributes:
        shares: for each kind of distance, over all labelled images and their neighbours.
        chance: what it would be if neighbours were drawn at random.
        images: labelled images.
    """

    shares: dict[str, float]
    chance: float
    images: int


def agreement(found: dict[str, Found], labels: NDArray[np.int64]) -> Agreement | None:
    """How well neighbours agree with the labels.

    Args:
        found: for each kind of distance, (row, neighbour).
        labels: a number for each row, -1 for none; neighbours without one count as others.
    Returns:
        None where fewer than two labels occur, or there are no neighbours.
    """
    known = np.flatnonzero(labels >= 0)
    counts = np.bincount(labels[known]) if len(known) else np.zeros(0, np.int64)
    if (counts > 0).sum() < 2 or not all(rows.shape[1] for rows in found.values()):
        return None
    shares = {
        kind: float((labels[rows[known]] == labels[known][:, None]).mean())
        for kind, rows in found.items()
    }
    others = len(labels) - 1
    chance = float((counts * (counts - 1)).sum() / (len(known) * others))
    return Agreement(shares, chance, len(known))


def queries(labels: NDArray[np.int64], number: int) -> list[int]:
    """Rows to show, spread over the labels: the first of each label in turn, then the second, ...

    Images are numbered by a digest of their content, so that the first is as good as any.
    """
    turns: dict[int, int] = {}
    ranked = []
    for row, label in enumerate(labels.tolist()):
        turns[label] = turns.get(label, -1) + 1
        ranked.append((turns[label], row))
    return sorted(row for _, row in sorted(ranked)[:number])
