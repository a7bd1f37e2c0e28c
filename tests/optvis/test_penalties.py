"""Penalties against a slow reading of their formulas, pixel by pixel, in float64."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from lamella.optvis import L1, L2, Blur, Channel, HighFrequencies, Objective, Seen, TotalVariation

Plane = NDArray[np.float64]


def pictures(rows: int, columns: int, seed: int, images: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((images, 3, rows, columns), generator=generator)


def value(penalty: Objective, images: Tensor) -> Tensor:
    return penalty(Seen(images, {}))


def mean_of(penalty: Objective, images: Tensor) -> None:
    """Compare with the oracle, averaged over colours."""
    oracle = ORACLES[type(penalty)]
    expected = [
        sum(oracle(penalty, plane.numpy().astype(np.float64)) for plane in image) / 3
        for image in images
    ]
    found = value(penalty, images)
    assert found.shape == (len(images),)
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-4, atol=1e-7)


def slow_variation(penalty: Objective, plane: Plane) -> float:
    rows, columns = plane.shape
    roots = [
        math.hypot(plane[y][x + 1] - plane[y][x], plane[y + 1][x] - plane[y][x])
        for y in range(rows - 1)
        for x in range(columns - 1)
    ]
    return sum(roots) / len(roots)


def slow_l1(penalty: Objective, plane: Plane) -> float:
    return sum(abs(each - 0.5) for each in plane.flat) / plane.size


def slow_l2(penalty: Objective, plane: Plane) -> float:
    return sum((each - 0.5) ** 2 for each in plane.flat) / plane.size


def slow_blur(penalty: Objective, plane: Plane) -> float:
    assert isinstance(penalty, Blur)
    side = len(plane)
    reach = min(max(1, round(3 * penalty.deviation)), side - 1)
    bell = {at: math.exp(-0.5 * (at / penalty.deviation) ** 2) for at in range(-reach, reach + 1)}

    def mirrored(at: int) -> int:
        at = abs(at)
        return 2 * (side - 1) - at if at >= side else at

    total = 0.0
    for y in range(side):
        for x in range(side):
            blurred = sum(
                down * across * plane[mirrored(y + dy)][mirrored(x + dx)]
                for dy, down in bell.items()
                for dx, across in bell.items()
            )
            total += (plane[y][x] - blurred / sum(bell.values()) ** 2) ** 2
    return total / side**2


def slow_frequencies(penalty: Objective, plane: Plane) -> float:
    """All frequencies of the full plane, of which a real transform holds a half."""
    rows, columns = plane.shape
    power = np.abs(np.fft.fft2(plane - 0.5, norm="ortho")) ** 2
    total = 0.0
    for row in range(rows):
        for column in range(columns):
            down, across = min(row, rows - row) / rows, min(column, columns - column) / columns
            total += power[row][column] * (math.hypot(down, across) / math.sqrt(0.5)) ** 2
    return total / plane.size


ORACLES = {
    TotalVariation: slow_variation,
    L1: slow_l1,
    L2: slow_l2,
    Blur: slow_blur,
    HighFrequencies: slow_frequencies,
}


@pytest.mark.parametrize("penalty", [TotalVariation(), L1(), L2(), HighFrequencies()])
@settings(max_examples=15)
@given(rows=st.integers(2, 9), columns=st.integers(2, 9), seed=st.integers(0, 1000))
def test_a_penalty_is_its_formula(penalty: Objective, rows: int, columns: int, seed: int) -> None:
    mean_of(penalty, pictures(rows, columns, seed))


@settings(max_examples=15)
@given(side=st.integers(2, 9), deviation=st.floats(0.3, 3), seed=st.integers(0, 1000))
def test_blur_is_its_formula(side: int, deviation: float, seed: int) -> None:
    mean_of(Blur(deviation), pictures(side, side, seed))


def test_the_blurred_version_is_held_constant() -> None:
    images = pictures(8, 8, 0).requires_grad_()
    penalty = Blur(1.5)
    (gradient,) = torch.autograd.grad(value(penalty, images).sum(), images)
    expected = 2 * (images - penalty.blurred(images)) / images[0].numel()
    torch.testing.assert_close(gradient, expected.detach())


ALL = [TotalVariation(), L1(), L2(), Blur(), Blur(4.0), HighFrequencies()]


@pytest.mark.parametrize("penalty", ALL, ids=lambda penalty: penalty.description)
@pytest.mark.parametrize("flat", [0.0, 0.5, 1.0])
def test_a_flat_picture_has_a_finite_slope(penalty: Objective, flat: float) -> None:
    images = torch.full((2, 3, 8, 8), flat, requires_grad=True)
    found = value(penalty, images)
    (gradient,) = torch.autograd.grad(found.sum(), images)
    assert found.isfinite().all()
    assert gradient.isfinite().all()
    if not isinstance(penalty, L1 | L2):
        assert found.max() < 1e-5, "nothing varies"


@pytest.mark.parametrize("penalty", ALL, ids=lambda penalty: penalty.description)
def test_taken_away_it_makes_a_picture_plainer(penalty: Objective) -> None:
    images = pictures(8, 8, 1).requires_grad_()
    before = value(penalty, images)
    (gradient,) = torch.autograd.grad(before.sum(), images)
    assert (value(penalty, (images - 0.05 * gradient).detach()) < before).all()


@pytest.mark.parametrize("penalty", ALL, ids=lambda penalty: penalty.description)
def test_a_picture_is_judged_by_itself(penalty: Objective) -> None:
    images = pictures(12, 12, 2, images=4)
    together = value(penalty, images)
    assert torch.equal(value(penalty, images.flip(0)).flip(0), together)


def test_a_checkerboard_is_the_highest_frequency() -> None:
    at = torch.arange(8)
    board = ((at[:, None] + at) % 2).float().expand(1, 3, 8, 8)
    # All its power, a quarter, lies in the corner of the plane.
    assert value(HighFrequencies(), board).item() == pytest.approx(0.25)


def test_a_penalty_lands_on_the_page() -> None:
    joint = Channel(torch.tensor([0]), leak=1, contrast=0) - 0.1 * TotalVariation() - 2 * Blur(2.5)
    assert joint.description == (
        "1 × (mean of the channel) + -0.1 × (total variation) + -2 × (distance to itself blurred "
        "by 2.5 px)"
    )


@pytest.mark.parametrize("deviation", [0.0, -1.0, math.nan])
def test_a_blur_of_nothing_is_refused(deviation: float) -> None:
    with pytest.raises(ValueError, match="give more than 0 pixels"):
        Blur(deviation)
