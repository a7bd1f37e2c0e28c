"""What other analyses read off a layer's facets."""

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.facets.stored import LayerFacets


def several(cluster: NDArray[np.int8], silhouette: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which units have clearly several clusters."""
    ones = np.ones(len(cluster))
    facets = LayerFacets(ones > 0, cluster, ones.astype(np.int8), silhouette, silhouette)
    return facets.clearly_several


def test_strays_are_no_kind_that_is_worth_pictures() -> None:
    """Two large kinds far apart; the same with one of strays; hardly apart; one kind; none."""
    cluster = np.full((5, 24), -1, np.int8)
    cluster[0] = [0] * 14 + [1] * 10
    cluster[1] = [0] * 20 + [1] * 4
    cluster[2] = [0] * 14 + [1] * 10
    cluster[3] = 0
    apart = np.array([0.4, 0.4, 0.2, 0.0, np.nan], np.float32)
    assert several(cluster, apart).tolist() == [True, False, False, False, False]
    few = np.full((1, 24), -1, np.int8)
    few[0, :8] = [0, 0, 0, 0, 0, 1, 1, 1]
    assert several(few, apart[:1]).all()
    few[0, 5] = 0  # two are fewer than make a kind
    assert not several(few, apart[:1]).any()
