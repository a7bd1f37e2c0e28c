"""Correlated units: an exact search among sketches, whose error is what is stated."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.analyses.embedding import correlation
from lamella.analyses.embedding.correlation import ERROR, LEAST, NEAREST, by_chance, correlated


def sketches(units: int, width: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((units, width)).astype(np.float32)


def test_the_search_is_scikit_learns(monkeypatch):
    from sklearn.neighbors import NearestNeighbors

    monkeypatch.setattr(correlation, "BLOCK", 600 * 100)  # several blocks in a layer
    profiles, layers = sketches(600), [250, 30, 320]
    stops = np.cumsum([0, *layers])
    own, other, least = correlated(profiles, layers)

    def brute(pool: np.ndarray, rows: np.ndarray, kept: int, sign: int = 1):
        index = NearestNeighbors(n_neighbors=kept, metric="cosine", algorithm="brute")
        away, found = index.fit(sign * profiles[pool]).kneighbors(profiles[rows])
        return pool[found], sign * (1 - away)

    every = np.arange(600)
    for start, stop in pairwise(stops):
        rows = np.arange(start, stop)
        unit, values = brute(rows, rows, NEAREST + 1)
        np.testing.assert_allclose(own.correlation[rows], values[:, 1:], atol=1e-5)
        assert (own.unit[rows] == unit[:, 1:]).mean() > 0.999  # but for ties in the last digits
        unit, values = brute(np.setdiff1d(every, rows), rows, NEAREST)
        np.testing.assert_allclose(other.correlation[rows], values, atol=1e-5)
        assert (other.unit[rows] == unit).mean() > 0.999
    unit, values = brute(every, every, LEAST, sign=-1)
    np.testing.assert_allclose(least.correlation, values, atol=1e-5)
    assert (least.unit == unit).mean() > 0.999


@settings(max_examples=25)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=4), st.integers(1, 400))
def test_blocks_change_nothing_and_few_units_are_no_trouble(layers, block):
    profiles = sketches(sum(layers), seed=len(layers))
    whole = correlated(profiles, layers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(correlation, "BLOCK", block)
        parts = correlated(profiles, layers)
    layer = np.repeat(np.arange(len(layers)), layers)
    for one, part in zip(whole, parts, strict=True):
        assert one.unit.tolist() == part.unit.tolist()
        np.testing.assert_allclose(one.correlation, part.correlation, atol=1e-6)
    own, other, least = whole
    for unit in range(len(profiles)):
        inside = layers[layer[unit]] - 1
        for found, of in ((own, inside), (other, len(profiles) - inside - 1)):
            known = found.unit[unit][found.unit[unit] >= 0]
            assert len(known) == min(of, NEAREST) and unit not in known
            assert ((layer[known] == layer[unit]) == (found is own)).all()
        assert (least.unit[unit] >= 0).sum() == min(len(profiles) - 1, LEAST)
        assert unit not in least.unit[unit]


def test_the_error_of_the_sketches_is_what_is_stated():
    """Against numpy's corrcoef of the peaks themselves."""
    from lamella.survey.profile import WIDTH, directions

    assert ERROR == WIDTH**-0.5
    random = np.random.default_rng(0)
    images, units = 1500, 60
    shared = random.normal(size=(images, 3))
    peaks = shared @ random.normal(size=(3, units)) + random.normal(size=(images, units))
    drawn = np.stack([directions(f"image {at}") for at in range(images)])
    centred = peaks - peaks.mean(axis=0)
    profiles = (centred.T @ drawn).astype(np.float32)
    exact = np.corrcoef(peaks.T)
    least = correlated(profiles, [30, 30])
    seen = []
    for found in least:
        for unit, (others, values) in enumerate(zip(found.unit, found.correlation, strict=True)):
            true = exact[unit, others[others >= 0]]
            seen.append((values[others >= 0] - true) / ((1 - true**2) * ERROR))
    deviations = np.concatenate(seen)
    assert np.abs(deviations).max() < 5
    every = profiles / np.linalg.norm(profiles, axis=1, keepdims=True)
    pairs = np.triu_indices(units, 1)
    spread = ((every @ every.T)[pairs] - exact[pairs]) / ((1 - exact[pairs] ** 2) * ERROR)
    assert 0.8 < spread.std() < 1.2


def test_what_chance_may_reach_is_not_exceeded_by_unrelated_units():
    own, other, least = correlated(sketches(1200, 256), [600, 600])
    reached = [own.correlation[:, 0], other.correlation[:, 0], -least.correlation[:, 0]]
    assert np.mean(reached) < by_chance(600) < np.mean(reached) * 1.3
    assert by_chance(0) == by_chance(1) < by_chance(10_000)
