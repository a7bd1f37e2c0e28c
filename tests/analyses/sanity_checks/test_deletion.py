"""Deletion and insertion curves: orders, areas, and a network that is known on paper."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from lamella.analyses.sanity_checks.deletion import (
    SQUARES,
    baselines,
    blurred,
    centred,
    curves,
    places,
    stretched,
)
from lamella.analyses.sanity_checks.report import area
from lamella.analyses.sanity_checks.stored import BASELINES, SHARES
from lamella.config.preprocessing import Preprocessing
from lamella.network.model import Model

SIDE = 20


class Corner(nn.Module):
    """Its answer is class 0 by the brightness of the upper left quarter, else class 1."""

    def forward(self, x: Tensor) -> Tensor:
        share = x[:, :, : SIDE // 2, : SIDE // 2].mean((1, 2, 3))
        return torch.stack([share, 1 - share], 1)


def model_of(module: nn.Module, **stated: Any) -> Model:
    """As much of a model as this needs; black is its mean colour by default."""
    plain: dict[str, Any] = {"mean": (0, 0, 0), "std": (1, 1, 1), **stated}
    unused: Any = None
    preprocessing = Preprocessing(**plain)
    return Model(module.eval(), preprocessing, {}, unused, torch.device("cpu"))


def corner() -> tuple[Tensor, np.ndarray]:
    """An image that is white in that quarter and black elsewhere, and a map that says so."""
    image = torch.zeros(3, SIDE, SIDE)
    image[:, : SIDE // 2, : SIDE // 2] = 1
    return image, image[0].numpy()


def test_a_perfect_map_takes_the_probability_away_pixel_by_pixel() -> None:
    image, truth = corner()
    random = np.random.default_rng(0)
    good, bad = places(truth, random), places(-truth, random)
    found = curves(model_of(Corner()), image, 0, [good, bad])
    quarter = 0.25
    wanted = [max(0.0, 1 - share / quarter) for share in SHARES]
    assert found[0, 0] == pytest.approx(wanted, abs=1e-6)
    worst = [min(1.0, (1 - share) / quarter) for share in SHARES]
    assert found[0, 1] == pytest.approx(worst, abs=1e-6)
    # Insertion begins with what the blur leaves and ends with the whole image.
    assert found[1, :, 0] == pytest.approx(float(blurred(image[None])[0, :, :10, :10].mean()))
    assert found[1, :, -1] == pytest.approx(1)
    assert (np.diff(found[1, 0]) >= -1e-6).all()
    # All of the quarter is there: what is beside it does not count.
    assert found[1, 0, SHARES.index(0.3) :] == pytest.approx(1)
    first, last = area(found.astype(float))[:, 0], area(found.astype(float))[:, 1]
    assert first[0] < last[0] and first[1] > last[1]


def test_the_other_class_is_its_complement() -> None:
    image, truth = corner()
    order = [places(truth, np.random.default_rng(0))]
    found = [curves(model_of(Corner()), image, output, order) for output in (0, 1)]
    assert found[0] + found[1] == pytest.approx(np.ones_like(found[0]))


def test_what_is_removed_gets_the_mean_colour_in_the_networks_own_order() -> None:
    seen: list[Tensor] = []

    class Spy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x)
            return torch.stack([x.mean((1, 2, 3)), x.std((1, 2, 3))], 1)

    stated = {"channels": "BGR", "scale": 255.0, "mean": (100, 110, 120)}
    model = model_of(Spy(), **stated)
    image = torch.rand(3, 6, 6)
    curves(model, image, 0, [places(np.zeros((6, 6), np.float32), np.random.default_rng(0))])
    every = torch.cat(seen)
    assert (every.abs().amax((1, 2, 3)) < 1e-4).any()  # all gone: the network's zero


def test_a_curve_does_not_depend_on_what_is_measured_beside_it() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 4, 5), nn.Flatten(2)
    )
    model = model_of(nn.Sequential(module, nn.AvgPool1d(324), nn.Flatten()))
    image = torch.rand(3, 48, 48, generator=torch.Generator().manual_seed(0))
    random = np.random.default_rng(0)
    one, two = (places(random.random((48, 48), np.float32), random) for _ in range(2))
    alone, both = curves(model, image, 3, [one]), curves(model, image, 3, [two, one])
    assert alone[:, 0] == pytest.approx(both[:, 1], rel=1e-4)


def test_the_users_network_runs_without_gradients() -> None:
    module = Corner()
    curves(
        model_of(module),
        torch.rand(3, SIDE, SIDE, requires_grad=True),
        0,
        [np.arange(400, dtype=np.int32).reshape(20, 20)],
    )
    assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled()


# Orders.


@given(
    arrays(np.float32, (4, 5), elements=st.sampled_from([-1, 0, 0.5, 2, np.nan, np.inf, -np.inf])),
    st.integers(0, 9),
)
def test_an_order_has_every_pixel_once_the_largest_first(values: np.ndarray, seed: int) -> None:
    found = places(values, np.random.default_rng(seed))
    assert sorted(found.ravel().tolist()) == list(range(20))
    along = np.where(np.isfinite(values), values, -np.inf).ravel()[np.argsort(found.ravel())]
    assert all(one >= other for one, other in pairwise(along))


def test_equal_values_come_in_random_order_that_the_seed_decides() -> None:
    flat = np.zeros((40, 40), np.float32)
    first, again, other = (places(flat, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).mean() > 0.9
    # Neither rows nor columns come first.
    assert abs(first[:20].mean() - 799.5) < 60 and abs(first[:, :20].mean() - 799.5) < 60


def test_the_baselines_know_nothing_of_the_network() -> None:
    size = (28, 42)
    pixels, squares, centre = baselines(size, np.random.default_rng(0))
    assert len(BASELINES) == 3
    for order in (pixels, squares, centre):
        assert sorted(order.ravel().tolist()) == list(range(28 * 42))
    blocks = squares.reshape(SQUARES, 2, SQUARES, 3).swapaxes(1, 2).reshape(SQUARES**2, 6)
    assert (np.ptp(blocks, axis=1) == 5).all()  # square after square
    first = np.argwhere(centre < 40)
    assert np.abs(first.mean(0) - [13.5, 20.5]).max() < 1.5
    assert centre[0, 0] > centre[14, 21] and centred(size).argmax() == 13 * 42 + 20


def test_coarse_maps_are_stretched_evenly_and_fine_ones_are_left() -> None:
    coarse = np.array([[0, 1], [2, 3]], np.float32)
    found = stretched(coarse, (8, 8))
    assert found.shape == (8, 8) and found[0, 0] == 0 and found[-1, -1] == 3
    assert found[:4].mean() < found[4:].mean() and (found == found.T)[0, 0]
    fine = np.random.default_rng(0).random((8, 8), np.float32)
    assert stretched(fine, (8, 8)) is fine


# Blur and areas.


def test_the_blur_is_a_gaussian() -> None:
    image = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    wanted = gaussian_filter(image.numpy(), (0, 0, 2, 3), mode="nearest", radius=(0, 0, 6, 9))
    assert blurred(image).numpy() == pytest.approx(wanted, abs=1e-5)
    assert blurred(torch.full((1, 3, 9, 9), 0.3)).numpy() == pytest.approx(0.3, abs=1e-6)


@given(arrays(np.float64, (2, len(SHARES)), elements=st.floats(0, 1)))
def test_an_area_is_a_mean_probability(values: np.ndarray) -> None:
    found = area(values)
    assert found == pytest.approx(
        np.array([np.interp(np.linspace(0, 1, 20001), SHARES, one).mean() for one in values]),
        abs=1e-3,
    )
    assert area(np.ones(len(SHARES))) == pytest.approx(1)
    assert area(np.array(SHARES)) == pytest.approx(0.5)
