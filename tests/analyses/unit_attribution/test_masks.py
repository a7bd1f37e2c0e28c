"""Masks cover what they should, and maps on their grid are sums and interpolations."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from lamella.analyses.unit_attribution.masks import (
    axis_masks,
    cells_of,
    mask_edges,
    resampled,
    sum_under,
)
from lamella.network.units import Box


@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 9), st.sampled_from([1.0, 1.5, 3.0]))
def test_masks_lie_over_their_part_and_sums_are_those_of_a_loop(height, width, cells, share):
    box = Box(3, 2, width, height)
    edges = mask_edges(box, cells, share).reshape(cells, cells, 4)
    rows, columns = cells_of(box, cells)
    values = np.random.default_rng(0).random((height, width)).astype(np.float32)
    sums = sum_under(values, cells, share)
    assert sums.shape == (rows, columns)
    covered = np.zeros((height, width), bool)
    for row, column in np.ndindex(cells, cells):
        top, bottom, left, right = edges[row, column].tolist()
        if row >= rows or column >= columns:
            assert top == bottom and left == right  # nobody asks for it
            continue
        top, bottom, left, right = top - 2, bottom - 2, left - 3, right - 3
        assert 0 <= top < bottom <= height and 0 <= left < right <= width
        assert sums[row, column] == pytest.approx(
            float(values[top:bottom, left:right].sum()), rel=1e-4
        )
        covered[top:bottom, left:right] = True
    assert covered.all()
    assert axis_masks(3, 7, 1.5) == ((0, 1), (1, 2), (2, 3))


def test_a_part_of_a_grid_is_torchs_interpolation():
    grid = np.random.default_rng(2).random((7, 7)).astype(np.float32)
    box = Box(20, 30, 140, 98)
    found = resampled(grid, (224, 224), box, 7)
    places = [
        first + (torch.arange(7) + 0.5) * length / 7 for first, length in ((30, 98), (20, 140))
    ]
    at = torch.stack(torch.meshgrid(places[1], places[0], indexing="xy"), -1) / 112 - 1
    expected = functional.grid_sample(
        torch.from_numpy(grid)[None, None],
        at[None].float(),
        padding_mode="border",
        align_corners=False,
    )
    np.testing.assert_allclose(found, expected[0, 0], atol=1e-5)
    np.testing.assert_allclose(resampled(grid, (224, 224), Box(0, 0, 224, 224), 7), grid, atol=1e-6)
