"""Sums per row and class: a sparse table against a full one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.analyses.predictions.class_sums import EACH, SLOTS, ClassSums


@given(st.integers(0, 99))
def test_a_sparse_table_is_exact_while_a_row_has_room_and_never_too_large(seed: int) -> None:
    random = np.random.default_rng(seed)
    few, full = ClassSums(3, 200, dense=0), ClassSums(3, 200)
    assert full.exact and not few.exact
    for _ in range(12):
        # Few classes in turn are far ahead, as those are that an image could be taken for.
        values = np.zeros(200)
        values[random.choice(200, 5, replace=False)] = random.random(5)
        row = int(random.integers(3))
        few.add(row, values)
        full.add(row, values)
    classes, sums = few.largest(5)
    wanted, true = full.largest(5)
    assert few.sums.shape == (3, SLOTS) and EACH >= 5
    assert classes.tolist() == wanted.tolist() and sums == pytest.approx(true)
    for _ in range(60):
        values = random.random(200)
        few.add(0, values)
        full.add(0, values)
    kept = few.ids[0] >= 0
    assert (few.sums[0, kept] <= full.sums[0, few.ids[0, kept]] + 1e-9).all()
