"""Maps of units."""

import numpy as np
import pytest

from lamella.analyses.embedding import Options
from lamella.analyses.embedding.compute import nearest_on_plane
from lamella.analyses.embedding.correlation import NEAREST
from lamella.numbers.layouts import fitted, layouts


@pytest.mark.parametrize("units", [0, 1, 2, 3, 5, 40])
def test_few_units_have_a_map_too(units):
    profiles = np.random.default_rng(units).standard_normal((units, 256)).astype(np.float32)
    for points in layouts(profiles, Options(), seed=0).values():
        assert points.shape == (units, 2) and np.isfinite(points).all()
        assert fitted(points).shape == (units, 2)
    assert nearest_on_plane(profiles[:, :2]).shape == (units, max(0, min(NEAREST, units - 1)))


def test_maps_are_the_same_twice():
    profiles = np.random.default_rng(0).standard_normal((60, 256)).astype(np.float32)
    one, other = (layouts(profiles, Options(), seed=3) for _ in range(2))
    for name in ("umap", "tsne", "pca"):
        assert one[name].tobytes() == other[name].tobytes()
