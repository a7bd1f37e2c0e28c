"""Several kinds of examples are found where there are several, and not where there is one."""

import math
import warnings
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lamella.analyses.facets.clusters import (
    APART,
    FEWEST,
    MOST,
    background,
    clusters,
    directions,
    silhouette,
)

Floats = NDArray[np.float32]


def kinds(sizes: tuple[int, ...], noise: float, seed: int = 0) -> Floats:
    """Examples around as many directions, at right angles, as there are sizes."""
    random = np.random.default_rng(seed)
    centres = np.linalg.qr(random.normal(size=(64, 64)))[0][: len(sizes)]
    rows = np.repeat(centres, sizes, axis=0)
    return np.asarray(rows + noise * random.normal(size=rows.shape), np.float32)


def groups(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(np.repeat(np.arange(len(sizes)), sizes).tolist())


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(FEWEST, 9), min_size=2, max_size=MOST).map(tuple),
    noise=st.floats(0, 0.04),
    seed=st.integers(0, 99),
)
def test_kinds_are_told_apart(sizes: tuple[int, ...], noise: float, seed: int) -> None:
    found = clusters(kinds(sizes, noise, seed), 0.0)
    assert found.cluster == groups(sizes)
    assert found.number == len(sizes)
    assert APART <= found.score <= 1
    assert found.silhouette > 0.5


@pytest.mark.parametrize("seed", range(8))
def test_one_kind_is_left_whole(seed: int) -> None:
    found = clusters(kinds((24,), 0.1, seed), 0.0)
    assert found.number == 1 and set(found.cluster) == {0}
    assert 0 <= found.score < APART


def test_an_odd_one_is_no_kind() -> None:
    assert clusters(kinds((22, 2), 0.01), 0.0).number == 1


def test_kinds_that_are_alike_for_the_layer_are_one() -> None:
    """The same two groups, in a layer whose units all see much the same."""
    shared = np.zeros((24, 64), np.float32)
    shared[:, 0] = 3
    sketches = kinds((12, 12), 0.01) + shared
    assert clusters(sketches, 0.0).number == 1
    assert clusters(sketches, 0.9).number == 2  # the layer's units are as unlike as these groups


@settings(max_examples=30)
@given(seed=st.integers(0, 99), number=st.integers(1, 4), noise=st.floats(0.01, 0.3))
def test_the_order_of_the_examples_does_not_matter(seed: int, number: int, noise: float) -> None:
    sketches = kinds((6,) * number, noise, seed)
    order = np.random.default_rng(seed).permutation(len(sketches))
    one, other = clusters(sketches, 0.1), clusters(sketches[order], 0.1)
    assert other.number == one.number
    assert other.score == pytest.approx(one.score, abs=1e-9)
    assert other.silhouette == pytest.approx(one.silhouette, abs=1e-9)
    there = np.array(one.cluster)[order]
    for i, j in combinations(range(len(order)), 2):
        assert (other.cluster[i] == other.cluster[j]) == (there[i] == there[j])
    assert list(dict.fromkeys(other.cluster)) == list(range(other.number)), "numbered as they occur"


@settings(max_examples=30)
@given(seed=st.integers(0, 99), scale=st.floats(1e-3, 1e3))
def test_only_directions_count(seed: int, scale: float) -> None:
    sketches = kinds((12, 12), 0.1, seed)
    lengths = np.random.default_rng(seed).uniform(0.1, 10, (24, 1)) * scale
    one, other = clusters(sketches, 0.0), clusters((sketches * lengths).astype(np.float32), 0.0)
    assert one.cluster == other.cluster
    assert other.score == pytest.approx(one.score, abs=1e-4)


def test_the_score_is_its_definition() -> None:
    sketches = kinds((8, 7, 9), 0.08, 3)
    found = clusters(sketches, 0.05)
    unit = sketches / np.linalg.norm(sketches, axis=1, keepdims=True)
    inside, across = [], []
    for i, j in combinations(range(24), 2):
        same = groups((8, 7, 9))[i] == groups((8, 7, 9))[j]
        (inside if same else across).append(float(unit[i] @ unit[j]))
    expected = (np.mean(inside) - np.mean(across)) / (np.mean(inside) - 0.05)
    assert found.score == pytest.approx(min(expected, 1), abs=1e-5)


@settings(max_examples=40)
@given(seed=st.integers(0, 999), number=st.integers(2, 4), examples=st.integers(5, 24))
def test_the_silhouette_is_scikit_learns(seed: int, number: int, examples: int) -> None:
    from sklearn.metrics import silhouette_score

    random = np.random.default_rng(seed)
    points = random.normal(size=(examples, 6))
    group = np.concatenate([np.arange(number), random.integers(0, number, examples - number)])
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    found = silhouette(1 - unit @ unit.T, group)
    assert found == pytest.approx(silhouette_score(points, group, metric="cosine"), abs=1e-9)


@settings(max_examples=30)
@given(seed=st.integers(0, 999), noise=st.floats(0.05, 0.3))
def test_the_division_is_the_best_of_scikit_learns(seed: int, noise: float) -> None:
    """Of Ward's cuts that have enough examples in each kind; fewer kinds in case of doubt."""
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.metrics import silhouette_score

    sketches = kinds((8, 8, 8), noise, seed)
    unit = directions(sketches)
    cuts = [AgglomerativeClustering(k, linkage="ward").fit_predict(unit) for k in (2, 3, 4)]
    usable = [
        float(silhouette_score(unit, cut, metric="cosine"))
        for cut in cuts
        if np.bincount(cut).min() >= FEWEST
    ]
    found = clusters(sketches, 0.0).silhouette
    assert found <= max(usable, default=0.0) + 1e-9
    assert found >= max(max(usable, default=0.0) - 0.04, 0) - 1e-9


@pytest.mark.parametrize("examples", [0, 1, 2 * FEWEST - 1])
def test_too_few_examples_say_nothing(examples: int) -> None:
    found = clusters(kinds((max(examples, 1),), 0.3)[:examples], 0.0)
    assert found.cluster == (0,) * examples and found.number == 1
    assert math.isnan(found.score) and math.isnan(found.silhouette)


@pytest.mark.parametrize("value", [0.0, 1.0, 1e-30, 1e30])
def test_examples_that_are_all_alike_are_one_kind(value: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = clusters(np.full((24, 64), value, np.float32), 0.0)
    assert found.number == 1 and found.score == 0 and found.silhouette == 0


def test_where_no_other_unit_answers_is_a_kind_of_its_own() -> None:
    sketches = kinds((12, 12), 0.02)
    sketches[12:] = 0
    found = clusters(sketches, 0.0)
    assert found.cluster == groups((12, 12))
    assert clusters(np.concatenate([sketches[:12], sketches[12:13]]), 0.0).number == 1


def test_a_layer_without_a_background_has_no_score() -> None:
    assert math.isnan(background([kinds((24,), 0.1)])) and math.isnan(background([]))
    assert clusters(kinds((12, 12), 0.01), math.nan).number == 1


@settings(max_examples=20)
@given(seed=st.integers(0, 99), units=st.integers(2, 5))
def test_the_background_is_its_double_loop(seed: int, units: int) -> None:
    random = np.random.default_rng(seed)
    each = [
        random.normal(size=(random.integers(1, 6), 8)).astype(np.float32) + 0.5
        for _ in range(units)
    ]
    pairs = []
    for one, other in combinations(each, 2):
        angles = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a in one for b in other]
        pairs.append(np.mean(angles))
    empty = np.zeros((0, 8), np.float32)
    assert background([*each, empty]) == pytest.approx(np.mean(pairs), abs=1e-5)


def test_two_units_made_one_score_as_what_they_are() -> None:
    """Examples of two units of a layer are about as unlike as those of units picked at random."""
    random = np.random.default_rng(0)
    centres = np.abs(random.normal(size=(60, 64))) ** 4
    units = [
        np.asarray(centre * np.abs(random.normal(1, 0.3, (24, 64))), np.float32)
        for centre in centres
    ]
    behind = background(units)
    alone = [clusters(unit, behind) for unit in units]
    merged = [
        clusters(np.concatenate([one[:12], other[:12]]), behind)
        for one, other in zip(units[0::2], units[1::2], strict=True)
    ]
    assert not any(found.number > 1 for found in alone)
    assert np.mean([found.cluster == groups((12, 12)) for found in merged]) > 0.6
    assert np.median([found.score for found in merged]) > 0.9
    assert np.median([found.score for found in alone]) < 0.6
