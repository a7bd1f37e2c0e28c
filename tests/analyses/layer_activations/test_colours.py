"""Activations as colours."""

import numpy as np

from lamella.analyses.layer_activations.colours import STEPS, levels, palette


def test_anything_above_zero_is_seen() -> None:
    values = np.array([[[0, -1, 1e-20, 0.5, 1, 9]]], np.float32)
    assert levels(values, np.array([1.0]), False).tolist() == [[[0, 0, 1, 16, STEPS, STEPS]]]
    assert levels(values, np.array([0.0]), False).max() == 0
    assert levels(values, np.array([1.0]), True).tolist() == [[[0, -16, 0, 8, 16, 16]]]
    for signed in (False, True):
        assert len(np.unique(palette(signed), axis=0)) == len(palette(signed))
