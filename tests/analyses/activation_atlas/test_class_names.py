"""The classes that a cell pushes."""

import numpy as np

from lamella.analyses.activation_atlas.class_names import strongest_classes
from lamella.analyses.activation_atlas.stored import (
    CLASSES,
)


def test_only_classes_that_gain_are_told() -> None:
    gains = np.array([[3, -1, 2, 1], [-1, -2, -3, -4], [0, 5, 0, 0]], np.float32)
    classes, kept = strongest_classes(gains, 3)
    assert classes.tolist() == [[0, 2, 3], [-1] * 3, [1, -1, -1]]
    assert kept.tolist() == [[3, 2, 1], [0] * 3, [5, 0, 0]]
    assert (strongest_classes(None, 2)[0] == -1).all()
    assert strongest_classes(gains[:, :2], 3)[0].shape == (3, CLASSES)
