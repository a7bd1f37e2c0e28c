"""The numbers and words that a page gives of a map."""

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.analyses.unit_attribution.view import _part, _reading
from lamella.network.units import Box


@settings(max_examples=30)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(8, 60), st.integers(8, 60))
def test_numbers_lie_where_the_picture_shows_them(rows, columns, height, width):
    """Pointing at a cell of a letter-boxed map reads that cell; beside it there is no number."""
    grid = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    found = _reading(grid, Box(0, 0, width, height), "{}")
    levels = np.frombuffer(base64.b64decode(found.data), np.uint8).reshape(
        found.rows, found.columns
    )
    size = max(width, height)
    for row, column in np.ndindex(levels.shape):
        # From the square picture to the patch in its middle.
        y = ((row + 0.5) / found.rows - 0.5) * size / height + 0.5
        x = ((column + 0.5) / found.columns - 0.5) * size / width + 0.5
        if not (0 <= y < 1 and 0 <= x < 1):
            assert levels[row, column] == 255
        elif rows * columns > 1:
            value = found.low + (found.high - found.low) * levels[row, column] / 254
            assert value == pytest.approx(grid[int(y * rows), int(x * columns)], abs=0.15)


def test_places_in_words():
    grid = np.zeros((7, 7), np.float32)
    grid[3, 3] = 1
    assert _part(grid) == "middle"
    grid[0, 6] = 2
    assert _part(grid) == "upper right"
