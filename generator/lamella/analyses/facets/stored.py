"""What the store holds of a layer's facets: clusters of each unit's examples, and two scores.

Flow: store -> **stored** -> view, overview, and the analyses that depend on a unit's facets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.facets.clusters import FEWEST, LARGE, MOST, SHARP
from lamella.store.facts import LayerFacts

PANEL = "facets"


@dataclass(frozen=True, slots=True)
class LayerFacets:
    """The facets of a layer's units, a row each; zeros where they are not `present`.

    Attributes:
        cluster: of each example, from 0, that of the strongest one first, `(unit, example)`; -1
            where there is no example.
        number: of clusters.
        score: polysemanticity, 0 to 1; NaN where there are too few examples to tell.
        silhouette: of the best division, -1 to 1; NaN likewise.
    """

    present: NDArray[np.bool_]
    cluster: NDArray[np.int8]
    number: NDArray[np.int8]
    score: NDArray[np.float32]
    silhouette: NDArray[np.float32]

    @classmethod
    def of(cls, facts: LayerFacts) -> LayerFacets | None:
        """Those of a layer; None before any of its units was looked at."""
        own = facts.of(PANEL)
        if not own.present.any():
            return None
        return cls(own.present, own["group"], own["facets"], own["score"], own["silhouette"])

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Units with examples enough to tell."""
        found: NDArray[np.bool_] = self.present & np.isfinite(self.score)
        return found

    @property
    def clearly_several(self) -> NDArray[np.bool_]:
        """Units that have at least two large clusters that are clearly apart.

        Of a unit that few photographs excite, the last of its examples are strays, which look like
        a cluster of their own; such units do not count here.
        """
        sizes = np.sort([(self.cluster == each).sum(axis=1) for each in range(MOST)], axis=0)
        listed = (self.cluster >= 0).sum(axis=1)
        large = sizes[-2] >= np.maximum(FEWEST, LARGE * listed)
        found: NDArray[np.bool_] = large & (self.silhouette >= SHARP)
        return found
