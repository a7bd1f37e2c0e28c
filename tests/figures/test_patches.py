"""Patches of images, and the frames around them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.figures.patches import patch, visible
from lamella.network.units import Box


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_a_patch_shows_its_box_and_nothing_else(data):
    pixels = np.full((40, 50, 3), 10, np.uint8)
    top, left = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 40))
    height, width = data.draw(st.integers(1, 40 - top)), data.draw(st.integers(1, 50 - left))
    pixels[top : top + height, left : left + width] = 200
    shown = np.asarray(patch(pixels, Box(left, top, width, height), 24).convert("RGBA"))
    inside = shown[shown[..., 3] > 0]
    assert shown.shape == (24, 24, 4) and inside.size
    assert (inside[:, :3] == 200).all()
    rows = (shown[..., 3] > 0).any(axis=1).sum()
    assert rows == max(1, round(24 * height / max(height, width)))


@given(st.integers(0, 99), st.integers(0, 99), st.integers(1, 100), st.integers(1, 100))
def test_a_frame_holds_its_box_and_stays_in_the_image(left, top, width, height):
    box = Box(left, top, min(width, 100 - left), min(height, 100 - top))
    frame = visible(box, 100, 100)
    assert 0 <= frame.left <= box.left and 0 <= frame.top <= box.top
    assert box.left + box.width <= frame.left + frame.width <= 100
    assert box.top + box.height <= frame.top + frame.height <= 100
    assert frame.width >= 24 and frame.height >= 24
