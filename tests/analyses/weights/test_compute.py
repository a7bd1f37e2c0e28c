"""Kernels as pictures: their shape and their order."""

import numpy as np
import pytest

from lamella.analyses.weights.compute import CELL, enlarged, kernels
from lamella.network.units import Layer, Segment


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (1, 7), (7, 1), (11, 11), (60, 60)])
def test_a_kernel_keeps_its_shape_in_its_cell(shape):
    shown = np.asarray(enlarged(np.zeros((*shape, 3), np.uint8)))
    assert shown.shape == (CELL, CELL, 4)
    rows, columns = (shown[..., 3] > 0).any(1).sum(), (shown[..., 3] > 0).any(0).sum()
    assert rows * shape[1] == columns * shape[0]


def test_a_flattened_map_is_folded_back():
    layer = Layer(
        "head", "linear", 2, 1, 1, None, inputs=18, sources=(Segment(0, 18, (("c", 0),), 9),)
    )
    weights = np.arange(36, dtype=np.float64).reshape(2, 18, 1, 1)
    folded = kernels(weights, layer)
    assert folded.shape == (2, 2, 3, 3) and folded[1, 1, 0, 0] == 27
