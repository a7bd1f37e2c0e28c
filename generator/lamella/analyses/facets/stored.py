"""What was stored of a unit's facets."""

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.facets.clusters import FEWEST, LARGE, MOST, SHARP


def clearly_several(group: NDArray[np.int8], silhouette: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which units have at least two large kinds that are clearly apart, `(unit,)`.

    Of a unit that few photographs excite, the last of its examples are strays, which look like a
    kind of their own; such units do not count here.

    Args:
        group: the kind of each example, `(unit, example)`; -1 for none.
    """
    sizes = np.sort([(group == kind).sum(axis=1) for kind in range(MOST)], axis=0)
    listed = (group >= 0).sum(axis=1)
    large = sizes[-2] >= np.maximum(FEWEST, LARGE * listed)
    found: NDArray[np.bool_] = large & (silhouette >= SHARP)
    return found
