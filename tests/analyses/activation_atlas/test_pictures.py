"""Where the pictures of cells go."""

import numpy as np

from lamella.analyses.activation_atlas.pictures import aims


def test_aims_are_what_sets_a_cell_apart() -> None:
    means = np.array([[1, 2], [3, 2]], np.float32)
    assert aims(means, means.mean(axis=0)).tolist() == [[-1, 0], [1, 0]]
    assert aims(means[:1], means[0]).tolist() == [[1, 2]]
