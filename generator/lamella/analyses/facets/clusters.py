"""How many kinds of thing a unit's strongest photographs show, by what its layer sees in them.

Flow: survey/activation_vectors -> **clusters** -> compute. A unit may answer to cat faces, to car
fronts and to cat legs alike, as 4e:55 of InceptionV1 does (Olah et al. 2020, "Zoom In",
doi:10.23915/distill.00024.001); one picture then shows one of them, or a mixture. Its examples are
clustered by the activation vectors of its own layer, as O'Mahony et al. 2023 (arXiv:2304.09707) do
it; the word facet is that of Nguyen, Yosinski and Clune 2016 (arXiv:1602.03616).

Tried on eight layers of a trained SqueezeNet and 306 photographs: two units of a layer, picked at
random, were made one by the larger of their scaled activations, and compared with single units.
Without the unit's own channel, and with square roots of the others
(`survey/activation_vectors.py` does both), Ward's linkage found the two again better than average
linkage (adjusted Rand index 0.64 against 0.58), and the score below told merged units from single
ones with an area under the curve of 0.76 to 0.97; the silhouette alone had 0.61 to 0.94, and its
level differs from layer to layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST = 3  # examples of a cluster: fewer are strays
MOST = 4  # clusters
# From which score on clusters are counted as several. In the trial above, one single unit in ten
# reached it, and seven merged ones in ten.
APART = 0.85
CLEAR = 0.1  # silhouette that a division must have: those of noise in 64 dimensions and more do not
BETTER = 0.02  # by which a division into more clusters must have the larger silhouette
SHARP = 0.25  # silhouette from which clusters are clearly apart
LARGE = 0.25  # share of the examples from which a cluster is more than some strays
SAMPLED = 64  # units that a layer's background is taken from

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clusters of a unit's examples.

    Attributes:
        cluster: of each example, from 0; that of the strongest example comes first.
        score: polysemanticity, 0 to 1; 0 where there is no division, NaN where there are too few
            examples to tell.
        silhouette: of the best division, -1 to 1 (Rousseeuw 1987), by the cosine; NaN likewise.
    """

    cluster: tuple[int, ...]
    score: float
    silhouette: float

    @property
    def number(self) -> int:
        """How many clusters."""
        return len(set(self.cluster)) or 1


def directions(sketches: NDArray[np.float32]) -> Floats:
    """Sketches `(example, width)` at unit length, `(example, width + 1)`.

    Where no other unit of the layer answers there is no direction. Such examples are alike, and
    unlike all others: the last axis is theirs.
    """
    wide = sketches.astype(np.float64)
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    lengths = np.linalg.norm(wide / np.where(largest > 0, largest, 1), axis=1, keepdims=True)
    silent = lengths == 0
    unit = wide / np.where(largest > 0, largest, 1) / np.where(silent, 1, lengths)
    return np.concatenate([unit, silent.astype(np.float64)], axis=1)


def background(units: Sequence[NDArray[np.float32]]) -> float:
    """The mean cosine between examples of different units of a layer.

    Args:
        units: the sketches of some units' examples, `(example, width)` each.
    Returns:
        NaN where there are not two units with examples.
    """
    means = np.array([directions(sketches).mean(axis=0) for sketches in units if len(sketches)])
    if len(means) < 2:
        return np.nan
    alike = means @ means.T
    number = len(means)
    return float((alike.sum() - np.trace(alike)) / (number * (number - 1)))


def clusters(sketches: NDArray[np.float32], background: float) -> Clusters:
    """The clusters of a unit's examples, strongest example first, `(example, width)`.

    The examples are divided into 2, 3 and 4 by Ward's linkage of their directions. The best of
    these by the silhouette, fewer clusters in case of doubt, among those whose clusters all have
    `FEWEST` examples, gives the score:

        (w - b) / (w - o), cut to 0 and 1

    where w is the mean cosine of two examples of the same cluster, b that of two of different
    clusters, and o, the `background`, that of examples of different units of the layer. 0: the
    clusters are as alike as one is with itself. 1: they have no more in common than two units
    picked at random. Below a score of `APART` the examples count as one cluster.

    Known limits: the clusters were chosen for being apart, so that the score of a unit with one
    cluster lies above 0, around 0.5 (its examples do vary); it says that clusters are unlike for
    this layer, which may see a cat's face and its leg as unlike although a person calls both "cat";
    with few photographs, the top examples of a rare thing are filled up with others, which look
    like a cluster; and examples that have nothing in common at all score 1 too.
    """
    if len(sketches) < 2 * FEWEST:
        return Clusters((0,) * len(sketches), np.nan, np.nan)
    unit = directions(sketches)
    alike = unit @ unit.T
    best, silhouette = _divided(unit, alike)
    if best is None:
        return Clusters((0,) * len(sketches), 0.0, 0.0)
    same = best[:, None] == best
    pairs = ~np.eye(len(best), dtype=np.bool_)
    within, between = float(alike[same & pairs].mean()), float(alike[~same].mean())
    room = within - background
    score = min(max((within - between) / room, 0.0), 1.0) if room > 1e-6 else 0.0
    if score < APART or silhouette < CLEAR:
        best = np.zeros_like(best)
    return Clusters(tuple(_numbered(best)), score, silhouette)


def _divided(unit: Floats, alike: Floats) -> tuple[NDArray[np.int64] | None, float]:
    """The division with the best silhouette, and it; None where none is better than no division."""
    from sklearn.cluster import ward_tree

    if alike.min() > 1 - 1e-9:
        return None, 0.0  # all alike
    merges = ward_tree(unit)[0].tolist()
    best, highest = None, 0.0
    for number in range(2, MOST + 1):
        cluster = _cut(merges, len(unit), number)
        if np.bincount(cluster).min() < FEWEST:
            continue
        value = silhouette(1 - alike, cluster)
        if value > highest + (BETTER if best is not None else 0):
            best, highest = cluster, value
    return best, highest


def _cut(merges: Sequence[Sequence[int]], leaves: int, clusters: int) -> NDArray[np.int64]:
    """The cluster of each example where a tree of merges is cut into so many."""
    members = {leaf: [leaf] for leaf in range(leaves)}
    for step, (one, other) in enumerate(merges[: leaves - clusters]):
        members[leaves + step] = members.pop(one) + members.pop(other)
    cluster = np.zeros(leaves, np.int64)
    for number, some in enumerate(members.values()):
        cluster[some] = number
    return cluster


def silhouette(distances: Floats, cluster: NDArray[np.int64]) -> float:
    """The mean silhouette of a division, from the distances `(example, example)`.

    Source: Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7.
    """
    member = np.eye(int(cluster.max()) + 1)[cluster]
    sizes = member.sum(axis=0)
    total = distances @ member  # to each cluster, (example, cluster)
    own = np.arange(len(cluster)), cluster
    inside = total[own] / np.maximum(sizes[cluster] - 1, 1)
    mean = total / sizes
    mean[own] = np.inf
    outside = mean.min(axis=1)
    larger = np.maximum(np.maximum(inside, outside), 1e-300)
    values = np.where(sizes[cluster] > 1, (outside - inside) / larger, 0.0)
    return float(values.mean())


def _numbered(cluster: NDArray[np.int64]) -> list[int]:
    """Clusters numbered in the order in which they first occur."""
    order: dict[int, int] = {}
    return [order.setdefault(each, len(order)) for each in cluster.tolist()]
