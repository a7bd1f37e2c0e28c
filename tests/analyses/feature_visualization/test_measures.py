"""What is measured of pictures, against loops over plain numbers."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lamella.analyses.feature_visualization.measures import Norms, measured
from lamella.optvis.channel import SMALLEST_SPREAD


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def shown(values: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda images: values


def spatial_mean(rows: list[list[float]]) -> float:
    return sum(map(sum, rows)) / (len(rows) * len(rows[0]))


@settings(max_examples=40)
@given(
    images=st.integers(1, 4),
    channels=st.integers(1, 6),
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    negative=st.booleans(),
    constant=st.integers(0, 6),
    seed=st.integers(0, 1000),
)
def test_measures_are_those_of_loops(
    images: int, channels: int, rows: int, columns: int, negative: bool, constant: int, seed: int
) -> None:
    values = drawn(images, channels, rows, columns, seed=seed)
    pictures = torch.rand((images, 3, 8, 8), generator=torch.Generator().manual_seed(seed))
    own = [(seed + 3 * image) % channels for image in range(images)]
    means = drawn(channels, seed=seed + 1)
    spreads = drawn(channels, seed=seed + 2).abs()
    spreads[:constant] = 0  # as many as there are never vary
    maximum = drawn(channels, seed=seed + 3) + 1
    found = measured(shown(values), pictures, own, Norms(maximum, means, spreads), negative)
    floor = SMALLEST_SPREAD * float(spreads.mean()) or 1.0
    plain = values.double().tolist()
    for image in range(images):
        every = [spatial_mean(plain[image][channel]) for channel in range(channels)]
        flat = [value for row in plain[image][own[image]] for value in row]
        activation = min(flat) if negative else max(flat)
        assert float(found.activation[image]) == pytest.approx(activation)
        assert float(found.mean[image]) == pytest.approx(every[own[image]], abs=1e-6)
        scores = [
            (every[channel] - float(means[channel])) / max(float(spreads[channel]), floor)
            for channel in range(channels)
        ]
        mine = scores[own[image]]
        varies = [float(spread) >= SMALLEST_SPREAD * float(spreads.mean()) for spread in spreads]
        ahead = sum(
            competes and (score < mine if negative else score > mine)
            for score, competes in zip(scores, varies, strict=True)
        )
        assert int(found.rank[image]) == ahead + 1
        deviation = np.std(pictures[image].double().numpy(), ddof=1)
        assert float(found.contrast[image]) == pytest.approx(deviation, rel=1e-4)
        beaten = activation > float(maximum[own[image]])
        assert bool(found.beats[image]) == (True if negative else beaten)


def test_a_unit_alone_in_its_layer_is_first() -> None:
    norms = Norms(torch.zeros(1), torch.zeros(1), torch.ones(1))
    found = measured(shown(drawn(2, 1, 3, 3)), torch.rand(2, 3, 8, 8), [0, 0], norms)
    assert found.rank.tolist() == [1, 1]


def test_what_the_survey_does_not_know_is_not_measured() -> None:
    values, pictures = drawn(2, 4, 3, 3), torch.rand(2, 3, 8, 8)
    found = measured(shown(values), pictures, [0, 3], Norms())
    assert found.rank.tolist() == [0, 0]
    assert found.beats.tolist() == [True, True]
    torch.testing.assert_close(found.activation, values[[0, 1], [0, 3]].amax((1, 2)))
    found = measured(shown(values), pictures, [0, 3], Norms(maximum=torch.full((4,), 99.0)))
    assert found.rank.tolist() == [0, 0]
    assert found.beats.tolist() == [False, False]


def test_a_channel_that_never_varies_does_not_outrank_the_others() -> None:
    """Its mean lies a hair over what it always is; in its own deviations, that is endless."""
    values = torch.zeros(1, 10, 1, 1)
    values[0, 0], values[0, 1] = 3.0, 1e-3
    spread = torch.ones(10)
    spread[1] = 0
    found = measured(
        shown(values), torch.rand(1, 3, 8, 8), [0], Norms(mean=torch.zeros(10), spread=spread)
    )
    assert found.rank.tolist() == [1]


def test_a_layer_that_never_varies_has_ranks() -> None:
    norms = Norms(mean=torch.zeros(3), spread=torch.zeros(3))
    values = torch.tensor([1.0, 3.0, 2.0])[None, :, None, None].expand(3, 3, 2, 2)
    found = measured(shown(values), torch.rand(3, 3, 8, 8), [0, 1, 2], norms)
    assert found.rank.tolist() == [3, 1, 2]


def test_a_grey_picture_has_no_contrast() -> None:
    found = measured(shown(drawn(1, 2, 3, 3)), torch.full((1, 3, 8, 8), 0.5), [0], Norms())
    assert found.contrast.tolist() == [0]


def test_pictures_are_measured_by_themselves() -> None:
    values, pictures = drawn(4, 5, 6, 6), torch.rand(4, 3, 16, 16)
    norms = Norms(torch.ones(5), torch.zeros(5), torch.ones(5))
    together = measured(shown(values), pictures, [0, 1, 2, 3], norms)
    turned = measured(shown(values.flip(0)), pictures.flip(0), [3, 2, 1, 0], norms)
    for name in ("activation", "mean", "rank", "contrast", "beats"):
        assert torch.equal(getattr(turned, name).flip(0), getattr(together, name)), name
    first = together.first(2)
    for name in ("activation", "mean", "rank", "contrast", "beats"):
        assert torch.equal(getattr(first, name), getattr(together, name)[:2]), name


def test_half_precision_is_measured_in_full() -> None:
    values = drawn(1, 2, 3, 3).bfloat16()
    found = measured(shown(values), torch.rand(1, 3, 8, 8), [1], Norms())
    assert found.activation.dtype == found.mean.dtype == torch.float32
    assert math.isfinite(float(found.mean[0]))


def test_norms_are_those_of_the_survey() -> None:
    survey = {
        "maximum": np.array([1.0, 2.0], np.float32),
        "mean": np.array([0.1, 0.2], np.float32),
        "mean_deviation": np.array([3.0, 4.0], np.float32),
        "top_image": np.zeros((2, 5)),
    }
    norms = Norms.of(survey)
    assert norms.maximum is not None
    assert norms.maximum.tolist() == [1, 2]
    assert norms.mean is not None
    assert norms.mean.tolist() == pytest.approx([0.1, 0.2])
    assert norms.spread is not None
    assert norms.spread.tolist() == [3, 4]
    assert Norms.of({}) == Norms(None, None, None)
