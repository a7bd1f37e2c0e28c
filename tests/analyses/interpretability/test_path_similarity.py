"""The path of an image through the network, against scipy and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from lamella.analyses.interpretability.path_similarity import paths, ranked
from lamella.analyses.interpretability.stored import known_mean


@given(st.integers(1, 6), st.integers(3, 12), st.integers(0, 99))
def test_ranks_are_scipys_ties_included(rows, channels, seed):
    values = np.random.default_rng(seed).integers(0, 5, (rows, channels)).astype(np.float32)
    away = rankdata(values, axis=1) - (channels + 1) / 2
    for ours, theirs in zip(ranked(values), away, strict=True):
        if theirs.any():
            np.testing.assert_allclose(ours, theirs / np.linalg.norm(theirs), atol=1e-6)
        else:  # all equal: no correlation with anything
            assert np.isnan(ours).all()


@pytest.mark.parametrize("seed", range(3))
def test_similarities_are_means_of_spearmans(seed):
    """Straight from the definition, pair by pair."""
    random = np.random.default_rng(seed)
    units, photographs, number, channels = 3, 4, 6, 9
    picture = np.maximum(random.standard_normal((units, channels)), 0)
    natural = np.maximum(random.standard_normal((units, photographs, channels)), 0)
    others = np.maximum(random.standard_normal((number, channels)), 0)
    own = np.zeros((units, number), bool)
    own[0, :2] = own[2, 5] = True

    def correlation(one: np.ndarray, other: np.ndarray) -> float:
        return float(spearmanr(one, other).statistic)

    found = paths(
        ranked(picture.astype(np.float32)),
        ranked(natural.reshape(-1, channels).astype(np.float32)).reshape(natural.shape),
        ranked(others.astype(np.float32)),
        own,
    )
    for unit in range(units):
        mine = natural[unit]
        expected = (
            np.mean([correlation(picture[unit], one) for one in mine]),
            np.mean(
                [correlation(mine[a], mine[b]) for a in range(photographs) for b in range(a)],
            ),
            np.mean(
                [
                    correlation(one, others[at])
                    for one in mine
                    for at in range(number)
                    if not own[unit, at]
                ]
            ),
        )
        assert [values[unit] for values in found] == pytest.approx(expected, abs=1e-5)


def test_an_image_takes_its_own_path():
    values = ranked(np.random.default_rng(0).standard_normal((1, 20)).astype(np.float32))
    same = np.repeat(values[:, None], 5, axis=1)
    found = paths(values, same, values, np.zeros((1, 1), bool))
    assert [float(one[0]) for one in found] == pytest.approx([1, 1, 1])


def test_what_is_not_known_is_left_out():
    rows = ranked(np.random.default_rng(0).standard_normal((4, 20)).astype(np.float32))
    natural = np.stack([rows[1], np.full(20, np.nan, np.float32)])[None]
    picture, among, apart = paths(rows[:1], natural, rows[2:], np.zeros((1, 2), bool))
    assert picture[0] == pytest.approx(rows[0] @ rows[1], abs=1e-6)
    assert np.isnan(among[0])  # one photograph has no other
    assert apart[0] == pytest.approx((rows[2:] @ rows[1]).mean(), abs=1e-6)
    assert np.isnan(paths(rows[:1], natural, rows[2:], np.ones((1, 2), bool))[2][0])


def test_a_mean_of_nothing_is_not_known():
    assert np.isnan(known_mean(np.full((1, 3), np.nan))[0])
    assert np.isnan(known_mean(np.zeros((1, 0)))[0])
    assert known_mean(np.array([[1, np.nan, 3]]))[0] == 2
