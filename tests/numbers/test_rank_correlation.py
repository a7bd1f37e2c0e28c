"""Rank correlation of maps is scipy's, pair by pair, and says where there is no order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from lamella.numbers.rank_correlation import spearman


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=2, max_size=40))
def test_ranks_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array(each, np.float32)[None, :] for each in zip(*pairs, strict=True))
    found = float(spearman(first, second))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(first[0], second[0]).statistic, abs=1e-12)


def test_many_maps_are_ranked_at_once() -> None:
    maps = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype(np.float32)
    other = np.random.default_rng(1).normal(size=(2, 3, 5, 4)).astype(np.float32)
    found = spearman(maps, other)
    wanted = spearmanr(maps[1, 2].ravel(), other[1, 2].ravel()).statistic
    assert found.shape == (2, 3) and found[1, 2] == pytest.approx(wanted)
    assert spearman(maps, maps) == pytest.approx(np.ones((2, 3)))
    assert spearman(maps, -maps) == pytest.approx(-np.ones((2, 3)))


def test_a_map_that_is_not_finite_has_no_order() -> None:
    good = np.arange(4, dtype=np.float32).reshape(2, 2)
    bad = np.array([[1, np.nan], [2, 3]], np.float32)
    assert np.isnan(spearman(good, bad)) and np.isnan(spearman(bad, good))
