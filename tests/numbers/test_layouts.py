"""Points on a plane keep their proportions."""

import numpy as np
import pytest

from lamella.numbers.layouts import fitted


def test_fitted_keeps_proportions():
    points = fitted(np.array([[0, 0], [10, 0], [10, 5]], np.float32))
    assert points.min() >= 0 and points.max() <= 1
    assert points[1, 0] - points[0, 0] == pytest.approx(2 * (points[2, 1] - points[1, 1]))
