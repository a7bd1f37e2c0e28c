"""Points of many dimensions, drawn at random."""

import numpy as np


def points(number: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([number, width, seed]).normal(size=(number, width)).astype("f4")
