"""Whether a unit's strongest photographs are of two kinds, by what its layer sees in them.

Flow: survey/places -> **facets** -> panels. A unit may answer to cat faces and to car fronts alike
(Olah et al. 2020, "Zoom In", doi:10.23915/distill.00024.001); one picture then shows one of them,
or a mixture of both.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Silhouette from which two groups count as apart, and how many examples each needs. On SqueezeNet
# and 297 photographs one unit in twenty is so.
APART = 0.4
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Split:
    """Two groups of a unit's examples.

    Attributes:
        group: 0 or 1 for each example; the larger group, or that of the first, is 0.
        silhouette: how far apart they are, -1 to 1 (Rousseeuw 1987), by the cosine.
    """

    group: tuple[int, ...]
    silhouette: float

    @property
    def apart(self) -> bool:
        """Whether these are two kinds rather than one."""
        ones = sum(self.group)
        return self.silhouette >= APART and min(ones, len(self.group) - ones) >= FEWEST


def split(sketches: NDArray[np.float32]) -> Split:
    """The best division of examples into two, `(example, WIDTH)`: average linkage by the cosine."""
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.metrics import silhouette_score

    lengths = np.linalg.norm(sketches, axis=1, keepdims=True)
    if len(sketches) < 2 * FEWEST or not lengths.all():
        return Split((0,) * len(sketches), 0.0)
    unit = sketches / lengths
    found = AgglomerativeClustering(2, metric="cosine", linkage="average").fit_predict(unit)
    if found.sum() * 2 > len(found) or (found.sum() * 2 == len(found) and found[0]):
        found = 1 - found
    return Split(tuple(found.tolist()), float(silhouette_score(unit, found, metric="cosine")))
