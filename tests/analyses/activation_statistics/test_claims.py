"""The rank correlation with depth."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from lamella.analyses.activation_statistics.claims import (
    depth_correlation,
)


@given(st.lists(st.one_of(st.integers(-4, 4), st.just(math.nan)), min_size=2, max_size=30))
def test_depth_correlation_is_scipys_spearman(values: list[float]) -> None:
    known = [(at, value) for at, value in enumerate(values) if not math.isnan(value)]
    found, number = depth_correlation(values)
    assert number == len(known)
    if len({value for _, value in known}) < 2:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(*zip(*known, strict=True)).statistic)
