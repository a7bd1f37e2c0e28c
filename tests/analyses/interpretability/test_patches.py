"""Which photographs a unit is measured with, and which part of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lamella.analyses.interpretability.patches import corner, cut, examples
from lamella.network.units import Layer
from lamella.places.field import Field, ReceptiveField
from lamella.store.facts import PanelFacts


def layer(activation: str | None = "relu", size: int = 7, stride: int = 4) -> Layer:
    axis = ReceptiveField(size, stride, start=-2)
    return Layer("conv", "convolution", 1, 10, 10, Field(axis, axis), activation=activation)


def survey(top: list[float], bottom: list[float], weakest: list[int]) -> PanelFacts:
    """Strongest peaks in images 0, 1, ...; weakest in those named; 12 places each."""

    def row(values: list[float], empty: float) -> np.ndarray:
        return np.array([values + [empty] * (12 - len(values))])

    count = np.arange(12, dtype=np.int16)[None]
    numbers = {
        "top_activation": row(top, -np.inf).astype(np.float32),
        "top_image": row(list(range(len(top))), -1).astype(np.int32),
        "top_row": count,
        "top_column": count + 1,
        "bottom_activation": row(bottom, np.inf).astype(np.float32),
        "bottom_image": row(weakest, -1).astype(np.int32),
        "bottom_row": 0 * count,
        "bottom_column": 0 * count,
    }
    return PanelFacts(np.ones(1, bool), numbers, {}, {}, {})


def test_strong_and_weak_are_apart():
    strong, weak = examples(survey([5, 4, 3, 0, 0], [0, 0, 1], [3, 4, 5]), layer(), 0, 100)
    assert strong.images == (0, 1, 2) and weak.images == (3, 4, 5)
    # A silent map peaks in its corner: the weak ones are looked at where the strong ones are.
    assert strong.positions == weak.positions == ((0, 1), (1, 2), (2, 3))


def test_a_negative_peak_is_strong_only_where_there_are_negative_ones():
    found = survey([1, -1], [-5, -4], [8, 9])
    assert examples(found, layer(None), 0, 100)[0].images == (0, 1)
    assert examples(found, layer("relu"), 0, 100)[0].images == (0,)


def test_few_photographs_are_never_both():
    """Three images: all are among the strongest and among the weakest."""
    strong, weak = examples(survey([3, 2, 1], [1, 2, 3], [2, 1, 0]), layer(), 0, 3)
    assert (strong.images, weak.images) == ((0,), (2,))
    assert examples(survey([3], [3], [0]), layer(), 0, 1)[0].images == ()


def test_a_unit_that_never_varies_has_no_weak_photographs():
    assert examples(survey([2] * 12, [2] * 12, list(range(12))), layer(), 0, 50)[1].images == ()


def test_a_silent_unit_has_no_photographs():
    strong, weak = examples(survey([0] * 12, [0] * 12, list(range(12))), layer(), 0, 50)
    assert strong.images == weak.images == ()


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 30))
def test_a_square_lies_in_the_image_and_around_what_is_seen(row, column, side):
    top, left = corner(layer(), row, column, side, (30, 40))
    assert 0 <= top <= 30 - side and 0 <= left <= 40 - side
    middle = -2 + 4 * row + 3  # of the receptive field
    if side // 2 <= middle <= 30 - side // 2 - 1:
        assert abs(top + side / 2 - middle) <= 1


def test_without_a_known_field_the_middle_is_shown():
    blind = Layer("head", "linear", 1, 1, 1, None)
    assert corner(blind, 0, 0, 10, (30, 40)) == (10, 15)


def test_cut_is_the_pixels_themselves():
    class Images:
        def pixels(self, number: int) -> np.ndarray:
            return np.arange(8 * 9 * 3, dtype=np.uint8).reshape(8, 9, 3) + np.uint8(number)

    squares = cut(Images().pixels, [(0, 1, 2), (5, 0, 0)], 4)  # type: ignore[list-item]
    assert np.array_equal(squares[0], Images().pixels(0)[1:5, 2:6])
    assert np.array_equal(squares[1], Images().pixels(5)[:4, :4])
