"""The machine interpretability score: the paper's formula, slowly, and what it must come to."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.analyses.interpretability.score import (
    SHOWN,
    SLOPE,
    UNITS,
    Similarity,
    margins,
    score,
    tasks,
)


def unit_length(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_the_papers_formula(seed):
    """Word by word: s(q, E) is a mean of cosines, a task a sigmoid, the score their mean."""
    random = np.random.default_rng(seed)
    strong, weak = (unit_length(random.standard_normal((count, 8))) for count in (6, 4))
    pictures = unit_length(random.standard_normal((2, 8)))
    drawn = tasks(len(strong), len(weak), 20, np.random.default_rng(seed))

    def similarity(query: np.ndarray, explanations: list[np.ndarray]) -> float:
        return sum(float(query @ one) for one in explanations) / len(explanations)

    natural, made = [], []
    for row in range(20):
        plus, minus = strong[drawn.strong[row]], weak[drawn.weak[row]]
        shown = [strong[at] for at in np.flatnonzero(drawn.strong_shown[row])]
        others = [weak[at] for at in np.flatnonzero(drawn.weak_shown[row])]
        for found, explanations in ((natural, shown), (made, list(pictures))):
            margin = (similarity(plus, explanations) - similarity(plus, others)) - (
                similarity(minus, explanations) - similarity(minus, others)
            )
            found.append(1 / (1 + math.exp(-SLOPE * margin)))
    asked = strong[drawn.strong] - weak[drawn.weak]
    without = drawn.weak_shown @ weak
    ours = score(margins(asked, drawn.strong_shown @ strong - without))
    assert ours == pytest.approx(np.mean(natural), abs=1e-5)
    ours = score(margins(asked, pictures.mean(axis=0) - without))
    assert ours == pytest.approx(np.mean(made), abs=1e-5)


@given(st.integers(2, 14), st.integers(2, 14), st.integers(1, 30), st.integers(0, 5))
def test_a_query_never_explains_itself(strong, weak, number, seed):
    drawn = tasks(strong, weak, number, np.random.default_rng(seed))
    for query, shown, of in (
        (drawn.strong, drawn.strong_shown, strong),
        (drawn.weak, drawn.weak_shown, weak),
    ):
        assert query.shape == (number,) and shown.shape == (number, of)
        assert (shown[np.arange(number), query] == 0).all()
        assert ((shown > 0).sum(axis=1) == min(SHOWN, of - 1)).all()
        np.testing.assert_allclose(shown.sum(axis=1), 1, rtol=1e-5)


def test_nothing_known_is_chance():
    assert score(np.zeros(20, np.float32)) == 0.5


def test_a_similarity_counts_features_that_say_the_same_once():
    """Nine copies of one feature weigh little more than the single other one."""
    random = np.random.default_rng(0)
    values = random.standard_normal((4000, 2))
    features = np.concatenate([np.repeat(values[:, :1], 9, axis=1), values[:, 1:]], axis=1)
    similarity = Similarity.of(features.astype(np.float32))
    one, other = np.zeros((2, 10), np.float32)
    one[:9] = other[9] = 1
    lengths = [
        np.linalg.norm((feature / similarity.scale) @ similarity.spread) for feature in (one, other)
    ]
    assert lengths[0] / lengths[1] < 1.5  # 3 without


def test_a_similarity_is_blind_to_what_all_units_share():
    random = np.random.default_rng(0)
    similarity = Similarity.of(random.standard_normal((500, 6)).astype(np.float32))
    shared = np.tile(np.eye(6, dtype=np.float32)[0], (UNITS, 1))
    blind = similarity.without(shared)
    assert np.abs(
        blind.vectors(random.standard_normal((9, 6)).astype(np.float32)) @ shared.T
    ).max() < (1e-5)
    assert similarity.without(shared[: UNITS - 1]) is similarity  # too few to tell what is shared
    assert similarity.without(np.concatenate([shared, -shared])) is similarity  # nothing is


def test_vectors_have_unit_length_and_survive_constant_features():
    similarity = Similarity.of(np.ones((10, 3), np.float32))
    vectors = similarity.vectors(np.array([[1, 1, 1], [2, 1, 0]], np.float32))
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([0, 1])
