"""Points on a plane keep their proportions."""

from types import SimpleNamespace

import numpy as np
import pytest

from lamella.numbers.layouts import fitted, umap_plane


def test_fitted_keeps_proportions():
    points = fitted(np.array([[0, 0], [10, 0], [10, 5]], np.float32))
    assert points.min() >= 0 and points.max() <= 1
    assert points[1, 0] - points[0, 0] == pytest.approx(2 * (points[2, 1] - points[1, 1]))


def test_a_map_of_what_differs_along_one_line_is_finite():
    """As the features of few images may: there is no second principal axis."""
    points = np.outer(np.linspace(1, 2, 9), [1.0, 2.0, -1.0]).astype(np.float32)
    points[:, 2] += np.arange(9) % 3
    options = SimpleNamespace(neighbours=5, spread=0.1, perplexity=3.0)
    start = np.stack([np.linspace(0, 1, 9), np.zeros(9)], 1)
    assert np.isfinite(umap_plane(points, start, options, 0)).all()
