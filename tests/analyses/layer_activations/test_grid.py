"""How the maps of a layer lie in one picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.analyses.layer_activations.grid import layout, reduced, squared


@given(st.integers(1, 20_000), st.integers(1, 300), st.integers(1, 300), st.integers(8, 512))
def test_every_layout_fits_a_picture(units: int, rows: int, columns: int, most: int) -> None:
    how = layout(units, rows, columns, most)
    high, wide = (-(-side // how.reduced) * how.enlarged for side in (rows, columns))
    assert max(high, wide) <= max(most, 26 + 25)
    assert how.columns * (wide + 1) <= 16_383  # what WebP can hold
    assert -(-units // how.columns) * (high + 1) <= 16_383
    if units * (rows + 1) * (columns + 1) < 3e7:
        assert how.reduced == -(-max(rows, columns) // most)
    assert min(how.reduced, how.enlarged) == 1 and 1 <= how.columns <= units


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_a_reduced_map_keeps_what_is_largest(factor: int) -> None:
    maps = np.random.default_rng(0).standard_normal((3, 7, 5)).astype(np.float32)
    small = reduced(maps, factor)
    assert small.shape == (3, -(-7 // factor), -(-5 // factor))
    for unit, row, column in np.ndindex(*small.shape):
        block = maps[unit, row * factor :, column * factor :][:factor, :factor]
        assert abs(small[unit, row, column]) == np.abs(block).max()
        assert small[unit, row, column] in block


def test_tokens_lie_in_the_order_of_reading() -> None:
    tokens = np.arange(10, dtype=np.float32)[None, :, None]
    folded = squared(tokens)
    assert folded.shape == (1, 3, 4) and np.isnan(folded[0, 2, 2:]).all()
    assert folded.reshape(-1)[:10].tolist() == list(range(10))
    square = np.zeros((2, 3, 3), np.float32)
    assert squared(square) is square
