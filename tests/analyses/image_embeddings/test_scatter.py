"""Thumbnails on a map."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.analyses.image_embeddings.scatter import STEP, scattered


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(0, 9), st.sampled_from([32, 96, 100]))
def test_thumbnails_lie_near_their_places_and_never_on_each_other(
    number: int, seed: int, side: int
) -> None:
    plane = np.random.default_rng([number, seed]).random((number, 2)).astype("f4") ** 3
    (width, height), placed = scattered(plane, side)
    covered = np.zeros((height, width), int)
    for _, left, top, size in placed:
        assert 0 <= left <= width - size and 0 <= top <= height - size
        covered[top : top + size, left : left + size] += 1
    assert covered.max() == 1
    shown = [point for point, *_ in placed]
    assert shown == sorted(set(shown)) and 0 in shown
    middles = {point: (left + size / 2, top + size / 2) for point, left, top, size in placed}
    extent = np.sqrt(2.5 * number) * side
    for point, middle in middles.items():
        place = (plane[point] - plane.min(axis=0)) * extent + side / 2
        assert np.abs(np.array(middle) - place).max() <= side + 3 * STEP
