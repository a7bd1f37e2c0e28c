"""Everything runs once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lamella.analyses.unit_attribution.schedule import entries


@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 40))
def test_every_crop_runs_once_under_every_mask(crops, masks, batch):
    every = range(crops * (masks + 1))
    runs = [entries(every[at : at + batch], masks) for at in every[::batch]]
    expected = [(crop, mask) for crop in range(crops) for mask in range(masks + 1)]
    assert [tuple(pair) for pair in np.concatenate(runs).tolist()] == expected
