"""Cells side by side, with their words."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.analyses.activation_atlas.grid import cells
from lamella.analyses.activation_atlas.sheet import GROUND, font, sheet, wrapped


def test_cells_lie_where_they_belong() -> None:
    points = np.array([[0.1, 0.9], [0.9, 0.9], [0.1, 0.1]], np.float32)
    grid = cells(points, np.ones((3, 2), np.float32), 2, 1)
    pixels = np.zeros((3, 8, 8, 3), np.uint8)
    pixels[:] = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200]])[:, None, None]
    shown = np.asarray(sheet(grid, pixels, 8, ["", "", ""]))
    assert shown.shape == (16, 16, 4)
    assert (shown[0, 0] == [200, 0, 0, 255]).all() and (shown[0, 15] == [0, 200, 0, 255]).all()
    assert (shown[15, 0] == [0, 0, 200, 255]).all() and (shown[15, 15] == GROUND).all()


def test_words_stay_inside_their_cell() -> None:
    grid = cells(np.array([[0.3, 0.3]], np.float32), np.ones((1, 2), np.float32), 3, 1)
    pixels = np.full((1, 80, 80, 3), 128, np.uint8)
    words = "yellow lady's slipper of an extraordinarily long name indeed"
    shown = np.asarray(sheet(grid, pixels, 80, [words])).reshape(3, 80, 3, 80, 4)
    outside = np.ones((3, 3), bool)
    outside[2, 0] = False
    for row, column in np.argwhere(outside):
        assert (shown[row, :, column] == GROUND).all()
    inside = shown[2, :, 0, :, :3]
    assert (inside != 128).any() and (inside > 250).all(axis=2).any()


@settings(max_examples=40)
@given(st.text(max_size=60), st.sampled_from([20, 74, 120]))
def test_any_name_is_drawn_or_left_out(name: str, width: int) -> None:
    lines = wrapped(name, width)
    assert len(lines) <= 2
    assert all(font().getlength(line) <= width or len(line) == 1 for line in lines)


def test_names_that_the_font_lacks_are_left_out() -> None:
    assert wrapped("café crème", 100) == ("cafe creme",)
    assert wrapped("猫", 100) == () and wrapped("ab\u202ec", 100) == () and wrapped("", 9) == ()
    long = wrapped("soft-coated wheaten terrier dog", 74)
    assert len(long) == 2 and long[1].endswith("…")
