"""Units' own objectives against a slow reading of their formulas, one position at a time."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lamella.optvis import Channel, Neuron
from lamella.optvis.channel import SMALLEST_SPREAD


def values(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float32) * 3


def slow_weights(rows: int, columns: int, border: float) -> list[list[float]]:
    def along(extent: int) -> list[float]:
        ramp = [min(1, (min(i, extent - 1 - i) + 0.5) / max(border, 0.5)) for i in range(extent)]
        return [each / sum(ramp) for each in ramp]

    return [[down * across for across in along(columns)] for down in along(rows)]


def slow_value(
    activations: Tensor,
    channel: int,
    weights: list[list[float]],
    bounds: tuple[float, float],
    leak: float,
    contrast: float,
    spread: list[float] | None,
    usual: list[float] | None,
) -> float:
    """One image, `(channel, row, column)`."""

    def mean(of: int, slope: float) -> float:
        total = 0.0
        for row, line in enumerate(activations[of].tolist()):
            for column, value in enumerate(line):
                through = min(max(value, bounds[0]), bounds[1])
                total += weights[row][column] * (through + slope * (value - through))
        return total

    own = mean(channel, leak)
    count = len(activations)
    floor = SMALLEST_SPREAD * sum(spread) / count if spread else 0
    units = [max(each, floor) for each in spread] if spread else [1.0] * count
    base = usual or [0.0] * count
    beyond = [max(mean(k, 0) - base[k], 0) * units[channel] / units[k] for k in range(count)]
    crowd = sum(each**4 for each in beyond) ** 0.25
    share = min(max((own - base[channel]) / crowd, 0), 1) if crowd else 0
    return own - contrast * share * crowd


@settings(deadline=None, max_examples=60)
@given(
    channels=st.integers(1, 5),
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    leak=st.floats(0, 1),
    border=st.floats(0, 3),
    contrast=st.floats(0, 0.9),
    spread=st.booleans(),
    usual=st.booleans(),
    floor=st.sampled_from([0.0, -math.inf]),
    ceiling=st.sampled_from([math.inf, 2.0]),
    sign=st.sampled_from([1.0, -1.0]),
    channels_last=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_channel_is_its_formula(
    channels: int,
    rows: int,
    columns: int,
    leak: float,
    border: float,
    contrast: float,
    spread: bool,
    usual: bool,
    floor: float,
    ceiling: float,
    sign: float,
    channels_last: bool,
    seed: int,
) -> None:
    activations = values(4, channels, rows, columns, seed=seed)
    if channels_last:
        activations = activations.contiguous(memory_format=torch.channels_last)
    wanted = torch.tensor([image % channels for image in range(4)])
    spreads = values(channels, seed=seed + 1).abs() if spread else None
    means = values(channels, seed=seed + 2) / 3 if usual else None
    objective = Channel(
        wanted,
        floor=floor,
        ceiling=ceiling,
        leak=leak,
        border=border,
        contrast=contrast,
        spread=spreads,
        usual=means,
        sign=sign,
    )
    weights = slow_weights(rows, columns, border)
    units = None if spreads is None else spreads.tolist()
    base = None if means is None else (sign * means).tolist()
    bounds = (floor, ceiling)
    expected = [
        slow_value(sign * image, channel, weights, bounds, leak, contrast, units, base)
        for image, channel in zip(activations, wanted.tolist(), strict=True)
    ]
    torch.testing.assert_close(objective(activations), torch.tensor(expected), atol=1e-4, rtol=1e-4)


def test_channel_can_be_the_plain_mean() -> None:
    activations = values(3, 4, 5, 6)
    plain = Channel(torch.tensor([3, 0, 3]), leak=1, border=0, contrast=0)
    expected = torch.stack([activations[0, 3], activations[1, 0], activations[2, 3]])
    torch.testing.assert_close(plain(activations), expected.mean((1, 2)))


@pytest.mark.parametrize(("row", "column"), [(None, None), (0, 4), (2, 1)])
def test_neuron_is_one_position(row: int | None, column: int | None) -> None:
    activations = values(2, 4, 3, 5)
    neuron = Neuron(torch.tensor([1, 2]), row=row, column=column, contrast=0)
    at = (1, 2) if row is None else (row, column)
    expected = torch.stack([activations[0, 1][at], activations[1, 2][at]])
    torch.testing.assert_close(neuron(activations), expected)
    negative = Neuron(torch.tensor([1, 2]), row=row, column=column, contrast=0, sign=-1)
    torch.testing.assert_close(negative(activations), -expected)


def test_a_neuron_is_held_back_by_its_own_place_alone() -> None:
    activations = values(2, 4, 3, 5)
    elsewhere = activations.clone()
    elsewhere[:, :, 0] += 100
    neuron = Neuron(torch.tensor([1, 2]))
    assert torch.equal(neuron(elsewhere), neuron(activations))
    elsewhere = activations.clone()
    elsewhere[:, 0, 1, 2] += 100
    assert (neuron(elsewhere) <= neuron(activations)).all()


def test_a_negative_objective_lowers_the_channel() -> None:
    activations = values(3, 4, 5, 5).requires_grad_()
    wanted = torch.tensor([0, 2, 3])
    negative = Channel(wanted, sign=-1)
    assert torch.equal(negative(activations), Channel(wanted)(-activations))
    (gradient,) = torch.autograd.grad(negative(activations).sum(), activations)
    assert (gradient[torch.arange(3), wanted] < 0).all()
    assert negative.description.startswith("negative mean of the channel")
    assert "negative channel at one position" in Neuron(wanted, sign=-1).description


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("contrast", [0.2, 0.7])
def test_contrast_climbs_the_logarithm_of_the_quotient(
    contrast: float, layout: torch.memory_format
) -> None:
    activations = values(3, 4, 5, 5).abs().contiguous(memory_format=layout).requires_grad_()
    wanted = torch.tensor([0, 2, 3])
    objective = Channel(wanted, border=0, contrast=contrast)
    (gradient,) = torch.autograd.grad(objective(activations).sum(), activations)
    means = activations.mean((2, 3))
    own = means[torch.arange(3), wanted]
    crowd = means.pow(4).sum(1).pow(0.25)
    (logarithmic,) = torch.autograd.grad((own.log() - contrast * crowd.log()).sum(), activations)
    torch.testing.assert_close(gradient, logarithmic * own.detach()[:, None, None, None])


def test_a_crowd_has_no_say_over_a_silent_unit() -> None:
    activations = values(1, 3, 4, 4).abs()
    activations[0, 1] *= -1
    activations.requires_grad_()
    (gradient,) = torch.autograd.grad(Channel(torch.tensor([1]))(activations).sum(), activations)
    assert (gradient[0, 1] > 0).all()
    assert (gradient[0, [0, 2]] == 0).all()


@pytest.mark.parametrize("magnitude", [1e-20, 1.0, 1e20])
def test_magnitude_is_no_matter(magnitude: float) -> None:
    activations = values(2, 6, 4, 4)
    objective = Channel(torch.tensor([0, 5]))
    scaled = objective(activations * magnitude) / magnitude
    torch.testing.assert_close(scaled, objective(activations), rtol=1e-3, atol=1e-3)


def test_all_silent_is_finite() -> None:
    activations = -values(2, 6, 4, 4).abs()
    activations.requires_grad_()
    value = Channel(torch.tensor([0, 5]))(activations)
    (gradient,) = torch.autograd.grad(value.sum(), activations)
    assert value.isfinite().all()
    assert gradient.isfinite().all()
    assert (gradient[0, 0] > 0).all()


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_broken_channel_harms_its_own_image_alone(broken: float) -> None:
    activations = values(3, 5, 4, 4)
    wanted = torch.tensor([0, 1, 2])
    whole = activations.clone()
    whole[:, 1] = -1  # nothing that the crowd could hear
    spoilt = whole.clone()
    spoilt[:, 1] = broken
    spoilt.requires_grad_()
    found = Channel(wanted)(spoilt)
    assert torch.equal(found[[0, 2]], Channel(wanted)(whole)[[0, 2]])
    assert not found[1].isfinite()
    (gradient,) = torch.autograd.grad(found.sum(), spoilt)
    assert gradient[[0, 2]].isfinite().all()


def test_an_image_has_its_own_unit_alone() -> None:
    activations = values(4, 5, 6, 6)
    wanted = torch.tensor([0, 1, 2, 3])
    together = Channel(wanted)(activations)
    turned = Channel(wanted.flip(0))(activations.flip(0)).flip(0)
    assert torch.equal(together, turned)


def test_descriptions_say_what_is_raised() -> None:
    one = torch.tensor([0])
    assert Channel(one, leak=1, contrast=0).description == "mean of the channel"
    assert "against its layer at 0.5" in Channel(one).description
    assert "centre" in Neuron(one).description
    assert "row 1, column 2" in Neuron(one, row=1, column=2).description
    assert "(row 1, middle column)" in Neuron(one, row=1).description
    assert "mean of the channel of features.3" in Channel(one, layer="features.3").description


@pytest.mark.parametrize(
    ("objective", "problem"),
    [
        (Channel(torch.tensor([0, 4])), "No channel 4: the target has 4"),
        (Channel(torch.tensor([-1, 0])), "No channel -1"),
        (Channel(torch.tensor([0])), "1 channels for 2 images"),
        (Channel(torch.tensor([0, 1]), spread=torch.ones(3)), "3 spreads for 4 channels"),
        (Neuron(torch.tensor([0, 1]), row=5, column=0), "No row 5"),
        (Neuron(torch.tensor([0, 1]), row=0, column=6), "No column 6"),
    ],
)
def test_what_does_not_fit_is_refused(objective: Channel, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        objective.check_shape((2, 4, 5, 6))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="contrast=1"):
        Channel(torch.tensor([0]), contrast=1)
    with pytest.raises(ValueError, match="whole numbers"):
        Channel(torch.tensor([0.5]))
    with pytest.raises(ValueError, match="one dimension"):
        Channel(torch.tensor([[0]]))


def test_weights_add_up_and_fall_at_the_border() -> None:
    weights = Channel(torch.tensor([0]), border=2.5).weights(5, 7)
    assert weights.sum().item() == pytest.approx(1)
    middle = weights[2]
    assert middle[0] < middle[1] < middle[2]
    assert math.isclose(middle[2], middle[4])
    assert torch.equal(weights, weights.flip(0).flip(1))
