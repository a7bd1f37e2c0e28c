"""Effective dimension, against slow truths."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lamella.analyses.activation_statistics.stored import (
    components_for,
    participation_ratio,
)

spectra = st.lists(st.floats(0, 1e6), min_size=1, max_size=40)


@pytest.mark.parametrize("seed", range(3))
def test_the_participation_ratio_is_that_of_the_traces(seed: int) -> None:
    random = np.random.default_rng(seed)
    turned, _ = np.linalg.qr(random.standard_normal((12, 12)))
    covariance = turned @ np.diag(random.gamma(1, 3, 12)) @ turned.T
    wanted = np.trace(covariance) ** 2 / np.trace(covariance @ covariance)
    found = participation_ratio(np.linalg.eigvalsh(covariance)[::-1])
    assert found == pytest.approx(wanted, rel=1e-9)


@given(st.integers(1, 30), st.integers(0, 30), st.floats(1e-300, 1e300))
def test_equal_directions_are_counted(there: int, empty: int, size: float) -> None:
    spectrum = np.array([size] * there + [0.0] * empty)
    assert participation_ratio(spectrum) == pytest.approx(there)
    assert components_for(spectrum) == math.ceil(0.9 * there - 1e-9)


@given(spectra)
def test_components_are_those_of_a_slow_count(values: list[float]) -> None:
    assume(sum(values) > 1e-6)
    kept, held = sorted(values, reverse=True), 0.0
    wanted = 0
    while held < 0.9 * sum(values) * (1 - 1e-9):
        held += kept[wanted]
        wanted += 1
    assert components_for(np.array(values)) == pytest.approx(max(1, wanted), abs=0)
    assert 1 <= participation_ratio(np.array(values)) <= len(values) * (1 + 1e-9)


def test_nothing_has_no_dimension() -> None:
    for nothing in ([], [0.0, 0.0], [-1e-12, 0.0], [math.inf]):
        assert math.isnan(participation_ratio(np.array(nothing)))
        assert math.isnan(components_for(np.array(nothing)))
