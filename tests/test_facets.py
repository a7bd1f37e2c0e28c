"""Two kinds of examples are found where there are two, and not where there is one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.facets import FEWEST, split


def kinds(sizes: tuple[int, ...], noise: float, seed: int = 0) -> np.ndarray:
    """Examples around as many directions, at right angles, as there are sizes."""
    random = np.random.default_rng(seed)
    centres = np.linalg.qr(random.normal(size=(64, 64)))[0][: len(sizes)]
    rows = np.repeat(centres, sizes, axis=0)
    return (rows + noise * random.normal(size=rows.shape)).astype(np.float32)


@settings(deadline=None, max_examples=30)
@given(small=st.integers(FEWEST, 6), noise=st.floats(0, 0.04), seed=st.integers(0, 99))
def test_two_kinds_are_told_apart(small: int, noise: float, seed: int) -> None:
    found = split(kinds((12 - small, small), noise, seed))
    assert found.apart
    assert found.group == (0,) * (12 - small) + (1,) * small


@pytest.mark.parametrize("seed", range(8))
def test_one_kind_is_left_whole(seed: int) -> None:
    assert not split(kinds((12,), 0.2, seed)).apart


def test_an_odd_one_is_no_kind() -> None:
    found = split(kinds((10, 2), 0.01))
    assert found.silhouette > 0.5
    assert not found.apart


@pytest.mark.parametrize(
    "sketches", [np.zeros((12, 64)), np.ones((12, 64)), np.ones((1, 64)), np.zeros((0, 64))]
)
def test_nothing_to_divide(sketches: np.ndarray) -> None:
    found = split(sketches.astype(np.float32))
    assert not found.apart
    assert len(found.group) == len(sketches)
