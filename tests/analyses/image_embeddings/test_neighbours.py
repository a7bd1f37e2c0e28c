"""Nearest neighbours, against slow truths."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.points import points
from lamella.analyses.image_embeddings.neighbours import agreement, nearest, queries


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(1, 9), st.sampled_from(["euclidean", "cosine"]))
def test_exact_neighbours_are_those_of_all_distances(number: int, wanted: int, metric: str) -> None:
    rows = points(number, 5).astype(np.float64)
    if metric == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    distances = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    truth = distances.argsort(axis=1)[:, : min(wanted, number - 1)]
    found = nearest(points(number, 5), wanted, metric, exact=10**6, seed=0)
    assert found.tolist() == truth.tolist()


@pytest.mark.soak  # pynndescent compiles for half a minute
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_approximate_neighbours_are_nearly_those_of_scikit_learn(metric: str) -> None:
    from sklearn.neighbors import NearestNeighbors

    rows = points(600, 8)
    rows[10:14] = rows[9]  # several that are alike
    index = NearestNeighbors(n_neighbors=8, metric=metric, algorithm="brute").fit(rows)
    truth = index.kneighbors(return_distance=False)
    found, again = (nearest(rows, 8, metric, exact=599, seed=1) for _ in range(2))
    assert found.tolist() == again.tolist()
    assert found.shape == (600, 8) and (found != np.arange(600)[:, None]).all()
    assert all(len(set(row)) == 8 for row in found.tolist())
    recall = (found[:, :, None] == truth[:, None, :]).any(axis=2).mean()
    assert recall > 0.95


def test_an_approximate_graph_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row may be missing from its own neighbours, or stand behind one that is the same."""
    graph = np.array([[0, 2, 1, 3], [3, 1, 2, 0], [3, 1, 0, 4], [3, 4, -1, -1], [4, 0, 1, 3]])

    class Fake:
        def __init__(self, rows: np.ndarray, metric: str, **options: Any) -> None:
            assert options["n_jobs"] == 1 and options["random_state"] == 7 and metric == "cosine"
            self.neighbor_graph = graph, None

    monkeypatch.setattr("pynndescent.NNDescent", Fake)
    found = nearest(points(5, 3), 2, "cosine", exact=4, seed=7)
    assert found[:3].tolist() == [[2, 1], [3, 2], [3, 1]] and found[4].tolist() == [0, 1]
    truth = nearest(points(5, 3), 2, "cosine", exact=5, seed=7)
    assert found[3].tolist() == truth[3].tolist()  # too few were found: searched for again


@given(st.lists(st.integers(-1, 3), min_size=2, max_size=25), st.integers(1, 4))
def test_agreement_is_counted(labels: list[int], wanted: int) -> None:
    known = np.array(labels)
    found = nearest(points(len(labels), 3), wanted, "euclidean", exact=99, seed=0)
    told = agreement({"l2": found}, known)
    if len(set(labels) - {-1}) < 2:
        assert told is None
        return
    pairs = [
        known[other] == label
        for row, label in zip(found, labels, strict=True)
        if label >= 0
        for other in row
    ]
    every = [
        known[other] == label
        for row, label in enumerate(labels)
        if label >= 0
        for other in range(len(labels))
        if other != row
    ]
    assert told and told.images == (known >= 0).sum()
    assert told.shares["l2"] == pytest.approx(np.mean(pairs))
    assert told.chance == pytest.approx(np.mean(every))


def test_queries_are_spread_over_the_labels() -> None:
    labels = np.array([0, 0, 0, 1, 0, 2, 1, -1])
    assert queries(labels, 4) == [0, 3, 5, 7]
    assert queries(labels, 6) == [0, 1, 3, 5, 6, 7]
    assert queries(labels, 99) == list(range(8)) and queries(labels, 0) == []
