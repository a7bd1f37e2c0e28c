"""The planes of an image: how they are shown, and along which axes pictures of them are made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.config.planes import COLOURS, IDENTITY, Planes, components, decorrelated
from lamella.config.preprocessing import Preprocessing


def numbers(planes: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(500, planes)) @ random.normal(size=(planes, planes)) + 3


@given(st.integers(1, 8), st.integers(0, 9))
def test_axes_are_a_root_of_the_covariance(planes: int, seed: int) -> None:
    covariance = np.atleast_2d(np.cov(numbers(planes, seed).T))
    axes = np.array(decorrelated(covariance, least=0))
    np.testing.assert_allclose(axes @ axes.T, covariance, atol=1e-9)
    lengths = np.linalg.norm(axes, axis=0)
    assert (np.diff(lengths) <= 1e-9).all()
    bounded = np.linalg.norm(np.array(decorrelated(covariance)), axis=0)
    assert bounded.min() >= 0.05 * bounded.max() * 0.999  # none is out of reach


@given(st.integers(3, 8), st.integers(0, 9))
def test_principal_components_are_shown_around_mid_grey_and_do_not_go_together(
    planes: int, seed: int
) -> None:
    values = numbers(planes, seed)
    shown, base, share = components(np.cov(values.T), values.mean(0))
    colours = values @ np.array(shown).T + np.array(base)
    np.testing.assert_allclose(colours.mean(0), 0.5, atol=1e-9)
    np.testing.assert_allclose(np.cov(colours.T), np.eye(3) / 25, atol=1e-9)
    spread = np.sort(np.linalg.eigvalsh(np.cov(values.T)))[::-1]
    assert share == pytest.approx(spread[:3].sum() / spread.sum())


def test_photographs_are_shown_as_they_are() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    planes = Planes.of(Preprocessing())
    assert planes.coloured and planes.axes == COLOURS and planes.pixels(pixels) is pixels
    assert (planes.picture(pixels / np.float32(255)) == pixels).all()
    grey = Planes.of(Preprocessing(channels="L"))
    assert (grey.pixels(pixels[..., :1]) == pixels[..., :1].repeat(3, -1)).all()
    assert grey.number == 1 and not grey.coloured


@pytest.mark.parametrize("shown", [IDENTITY, IDENTITY[::-1]])
def test_colours_are_found_again_in_whatever_order_they_lie(shown: tuple) -> None:
    one = (0.0,) * 3, (1.0,) * 3
    planes = Planes(*one, *one, shown=shown)
    colours = np.random.default_rng(0).random((2, 2, 3)).astype(np.float32)
    found = planes.of_colours(colours)
    assert found is not None
    np.testing.assert_array_equal(planes.tinted(found), colours)
    assert Planes.of(Preprocessing(channels=5)).of_colours(colours) is None
