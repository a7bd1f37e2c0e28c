"""Planes, and what they keep."""

import numpy as np
import pytest

from helpers.points import points
from lamella.analyses.image_embeddings.settings import Options
from lamella.analyses.image_embeddings.space import laid_out, preserved
from lamella.numbers.layouts import principal


@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
def test_principal_axes_are_those_of_the_singular_values(solver: str) -> None:
    rows = points(40, 6) * np.array([9, 5, 3, 1, 0.5, 0.1], "f4") + 7
    centred = rows - rows.mean(axis=0, dtype=np.float64)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    reduced, explained = principal(rows, 4, solver)
    assert np.abs(reduced) == pytest.approx(np.abs((left * singular)[:, :4]), abs=1e-6)
    assert explained == pytest.approx(singular[:4] ** 2 / (singular**2).sum())
    assert (reduced[np.abs(reduced).argmax(axis=0), np.arange(4)] > 0).all()


def test_few_or_equal_images_have_the_planes_that_they_allow() -> None:
    assert laid_out(points(1, 4), Options(), 0)[0] == {}
    assert laid_out(np.ones((5, 4), np.float32), Options(), 0)[0] == {}
    assert laid_out(np.zeros((5, 4), np.float32), Options(), 0)[0] == {}
    planes, explained = laid_out(points(2, 4), Options(), 0)
    assert list(planes) == ["pca"] and explained.tolist() == [1.0]
    for width in (1, 4):
        planes, _ = laid_out(points(5, width), Options(), 0)
        assert list(planes) == ["pca", "tsne", "umap"]
        for plane in planes.values():
            assert plane.shape == (5, 2) and plane.min() >= 0 and plane.max() <= 1


def test_what_a_plane_keeps_is_counted() -> None:
    flat = points(40, 2)
    mixed = np.random.default_rng(3).permutation(flat)
    kept = preserved(flat, {"same": flat, "mixed": mixed}, 10**6, 0)
    assert kept["same"] == 1 and kept["chance"] == pytest.approx(10 / 39)
    assert abs(kept["mixed"] - kept["chance"]) < 0.15
    assert preserved(flat[:12], {"same": flat[:12]}, 10**6, 0) == {}
