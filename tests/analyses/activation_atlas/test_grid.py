"""Points in the cells of grids."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from lamella.analyses.activation_atlas.grid import cells, levels

Vectors = NDArray[np.float32]


POINTS = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 60), st.just(2)), elements=st.floats(0, 1, width=32)
)


@given(POINTS, st.integers(1, 9), st.integers(1, 4))
def test_cells_hold_what_numpy_s_histogram_counts(points: Vectors, side: int, fewest: int) -> None:
    vectors = np.random.default_rng(len(points)).random((len(points), 3)).astype(np.float32) + 0.1
    found = cells(points, vectors, side, fewest)
    edges = np.arange(side + 1) / side
    truth = np.histogram2d(points[:, 1], points[:, 0], bins=(edges, edges))[0][::-1]
    at = np.stack([found.row, found.column], axis=1)
    assert (np.argwhere(truth >= fewest) == at).all()
    assert (truth[found.row, found.column] == found.count).all()
    for row, column, mean in zip(found.row, found.column, found.mean, strict=True):
        inside = [
            vector
            for (x, y), vector in zip(points.tolist(), vectors, strict=True)
            if min(int(x * side), side - 1) == column
            and side - 1 - min(int(y * side), side - 1) == row
        ]
        np.testing.assert_allclose(mean, np.mean(inside, axis=0), rtol=1e-5)


def test_a_cell_of_one_level_is_four_of_the_next() -> None:
    random = np.random.default_rng(0)
    points, vectors = random.random((400, 2)).astype(np.float32), random.random((400, 3))
    coarse, fine = levels(points, vectors.astype(np.float32), (3, 6), 1)
    for row, column, count in zip(coarse.row, coarse.column, coarse.count, strict=True):
        own = (fine.row // 2 == row) & (fine.column // 2 == column)
        assert fine.count[own].sum() == count


def test_grids_end_where_they_would_be_mostly_dark() -> None:
    random = np.random.default_rng(0)
    points, vectors = random.random((60, 2)).astype(np.float32), np.ones((60, 2), np.float32)
    assert [level.side for level in levels(points, vectors, (2, 8, 16), 5)] == [2]
    assert levels(points[:3], vectors[:3], (2, 4), 5) == []
    zero = cells(points, np.zeros((60, 2), np.float32), 2, 1)
    assert not len(zero.count) and zero.mean.shape == (0, 2)
