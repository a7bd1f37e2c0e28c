"""Places turned into a filled grid."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.points import points
from lamella.analyses.image_embeddings.grid import WIDEST, assigned, cells, columns_for


@given(st.integers(1, 3000))
def test_grids_are_about_square_and_nearly_full(number: int) -> None:
    columns = columns_for(number)
    rows = -(-number // columns)
    assert rows <= columns <= max(WIDEST * rows, rows + 1)
    assert columns * rows - number < columns
    middles = cells(number, columns)
    assert len({(x, y) for x, y in middles.tolist()}) == number


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(0, 99))
def test_no_other_assignment_moves_the_images_less(number: int, seed: int) -> None:
    plane = points(number, 2, seed)
    columns = columns_for(number)
    found = assigned(plane, columns)
    assert sorted(found.tolist()) == list(range(number))
    extent = np.maximum(np.ptp(plane, axis=0), 1e-12)
    stretched = (plane - plane.min(axis=0)) / extent
    middles = cells(number, columns)

    def moved(order: Any) -> float:
        return float(((stretched - middles[list(order)]) ** 2).sum())

    least = min(moved(order) for order in itertools.permutations(range(number)))
    assert moved(found) == pytest.approx(least)
