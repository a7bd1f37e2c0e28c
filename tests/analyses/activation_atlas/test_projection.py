"""Vectors on a plane."""

import numpy as np
import pytest

from lamella.analyses.activation_atlas.projection import directions, nearest, plane, spread


def test_the_plane_keeps_clusters_apart_and_repeats() -> None:
    random = np.random.default_rng(0)
    centres = random.normal(size=(3, 8))
    kind = np.repeat(np.arange(3), 20)
    vectors = (centres[kind] + 0.05 * random.normal(size=(60, 8))).astype(np.float32)
    points = plane(vectors, 0)
    assert points.tobytes() == plane(vectors, 0).tobytes()
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (kind[apart.argmin(axis=1)] == kind).all()


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 7])
def test_few_vectors_have_places_too(number: int) -> None:
    vectors = np.random.default_rng(number).random((number, 5)).astype(np.float32)
    points = spread(plane(vectors, 0))
    assert points.shape == (number, 2) and np.isfinite(points).all()
    same = np.ones((number, 5), np.float32)
    assert np.isfinite(spread(plane(same, 0))).all()


def test_neighbours_are_those_of_scikit_learn() -> None:
    from sklearn.neighbors import NearestNeighbors

    unit = directions(np.random.default_rng(1).normal(size=(700, 6)).astype(np.float32))
    found, distance = nearest(unit, 5)
    truth = NearestNeighbors(n_neighbors=5, metric="cosine", algorithm="brute").fit(unit)
    far, index = truth.kneighbors(unit)
    assert (found[:, 0] == np.arange(700)).all()
    np.testing.assert_allclose(distance, far, atol=1e-5)
    assert (found == index).mean() > 0.999


def test_strays_do_not_squeeze_the_rest() -> None:
    points = np.random.default_rng(0).random((1000, 2)).astype(np.float32) * 3 + 5
    points[:2] = [[1e6, -1e6], [-1e6, 1e6]]
    fitted = spread(points)
    assert fitted.min() == 0 and fitted.max() == 1
    assert (np.ptp(np.delete(fitted, [0, 1], axis=0), axis=0) > 0.85).all()
    rest = fitted[2:]
    assert (np.argsort(rest[:, 0]) == np.argsort(points[2:, 0].astype(np.float64))).mean() > 0.9
