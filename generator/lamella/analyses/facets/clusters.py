"""How many kinds of thing a unit's strongest photographs show, by what its layer sees in them.

Flow: survey/places -> **facets** -> panels. A unit may answer to cat faces, to car fronts and to
cat legs alike, as 4e:55 of InceptionV1 does (Olah et al. 2020, "Zoom In",
doi:10.23915/distill.00024.001); one picture then shows one of them, or a mixture. Its examples are
clustered by the activation vectors of its own layer, as O'Mahony et al. 2023 (arXiv:2304.09707) do
it; the word facet is that of Nguyen, Yosinski and Clune 2016 (arXiv:1602.03616).

Tried on eight layers of a trained SqueezeNet and 306 photographs: two units of a layer, picked at
random, were made one by the larger of their scaled activations, and compared with single units.
Without the unit's own channel, and with square roots of the others (`survey/places.py` does both),
Ward's linkage found the two again better than average linkage (adjusted Rand index 0.64 against
0.58), and the score below told merged units from single ones with an area under the curve of 0.76
to 0.97; the silhouette alone had 0.61 to 0.94, and its level differs from layer to layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST = 3  # examples of a kind: fewer are strays
MOST = 4  # kinds
# From which score on kinds are counted as several. In the trial above, one single unit in ten
# reached it, and seven merged ones in ten.
APART = 0.85
CLEAR = 0.1  # silhouette that a division must have: those of noise in 64 dimensions and more do not
BETTER = 0.02  # by which a division into more kinds must have the larger silhouette
SHARP = 0.25  # silhouette from which kinds are clearly apart
LARGE = 0.25  # share of the examples from which a kind is more than some strays
SAMPLED = 64  # units that a layer's background is taken from

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clusters:
    """The kinds of a unit's examples.

    Attributes:
        group: the kind of each example, from 0; the strongest example's kind comes first.
        score: polysemanticity, 0 to 1; 0 where there is no division, NaN where there are too few
            examples to tell.
        silhouette: of the best division, -1 to 1 (Rousseeuw 1987), by the cosine; NaN likewise.
    """

    group: tuple[int, ...]
    score: float
    silhouette: float

    @property
    def number(self) -> int:
        """How many kinds."""
        return len(set(self.group)) or 1


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


def facets(sketches: NDArray[np.float32], background: float) -> Clusters:
    """The kinds of a unit's examples, strongest example first, `(example, width)`.

    The examples are divided into 2, 3 and 4 by Ward's linkage of their directions. The best of
    these by the silhouette, fewer kinds in case of doubt, among those whose kinds all have `FEWEST`
    examples, gives the score:

        (w - b) / (w - o), cut to 0 and 1

    where w is the mean cosine of two examples of the same kind, b that of two of different kinds,
    and o, the `background`, that of examples of different units of the layer. 0: the kinds are as
    alike as one is with itself. 1: they have no more in common than two units picked at random.
    Below a score of `APART` the examples count as one kind.

    Known limits: the kinds were chosen for being apart, so that the score of a unit with one kind
    lies above 0, around 0.5 (its examples do vary); it says that kinds are unlike for this layer,
    which may see a cat's face and its leg as unlike although a person calls both "cat"; with few
    photographs, the top examples of a rare thing are filled up with others, which look like a kind;
    and examples that have nothing in common at all score 1 too.
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
        group = _cut(merges, len(unit), number)
        if np.bincount(group).min() < FEWEST:
            continue
        value = silhouette(1 - alike, group)
        if value > highest + (BETTER if best is not None else 0):
            best, highest = group, value
    return best, highest


def _cut(merges: Sequence[Sequence[int]], leaves: int, number: int) -> NDArray[np.int64]:
    """The kind of each example where a tree of merges is cut into so many."""
    members = {leaf: [leaf] for leaf in range(leaves)}
    for step, (one, other) in enumerate(merges[: leaves - number]):
        members[leaves + step] = members.pop(one) + members.pop(other)
    group = np.zeros(leaves, np.int64)
    for kind, some in enumerate(members.values()):
        group[some] = kind
    return group


def silhouette(distances: Floats, group: NDArray[np.int64]) -> float:
    """The mean silhouette of a division, from the distances `(example, example)`.

    Source: Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7.
    """
    member = np.eye(int(group.max()) + 1)[group]
    sizes = member.sum(axis=0)
    total = distances @ member  # to each kind, (example, kind)
    own = np.arange(len(group)), group
    inside = total[own] / np.maximum(sizes[group] - 1, 1)
    mean = total / sizes
    mean[own] = np.inf
    outside = mean.min(axis=1)
    larger = np.maximum(np.maximum(inside, outside), 1e-300)
    values = np.where(sizes[group] > 1, (outside - inside) / larger, 0.0)
    return float(values.mean())


def _numbered(group: NDArray[np.int64]) -> list[int]:
    """Kinds numbered in the order in which they first occur."""
    order: dict[int, int] = {}
    return [order.setdefault(kind, len(order)) for kind in group.tolist()]
