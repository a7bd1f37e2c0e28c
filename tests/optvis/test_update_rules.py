"""How a gradient becomes a step: each rule against its formula, number by number, in float64."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from lamella.optvis import Channel, Fourier, Pixels, Settings, Transformation, ascend
from lamella.optvis.settings import Rule
from lamella.optvis.update_rules import length, stepper

Numbers = NDArray[np.float64]
STILL = Transformation(jitter=0, smallest=1, largest=1, rotation=0)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make a busy machine slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def unit(gradient: Numbers) -> Numbers:
    """A gradient at unit size, image by image."""
    found = np.zeros_like(gradient)
    for image, own in enumerate(gradient):
        size = math.sqrt(sum(each**2 for each in own.flat) / own.size)
        found[image] = own / size if size else own
    return found


def slow_adam(gradients: list[Numbers], rates: list[float], beta: float, eps: float) -> Numbers:
    at = first = second = np.zeros_like(gradients[0])
    for turn, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        own = unit(gradient)
        first = beta * first + (1 - beta) * own
        second = 0.999 * second + 0.001 * own**2
        root = np.sqrt(second / (1 - 0.999**turn))
        at = at + rate * first / (1 - beta**turn) / (root + eps)
    return at


def slow_nadam(gradients: list[Numbers], rate: float) -> Numbers:
    """Dozat 2016, with the schedule of the momentum that he gives."""
    at = first = second = np.zeros_like(gradients[0])
    product = 1.0
    for turn, gradient in enumerate(gradients, start=1):
        own = unit(gradient)
        now, following = (0.9 * (1 - 0.5 * 0.96 ** (0.004 * when)) for when in (turn, turn + 1))
        product *= now
        first = 0.9 * first + 0.1 * own
        second = 0.999 * second + 0.001 * own**2
        ahead = following * first / (1 - product * following) + (1 - now) * own / (1 - product)
        at = at + rate * ahead / (np.sqrt(second / (1 - 0.999**turn)) + 1e-8)
    return at


def moved(settings: Settings, gradients: list[Tensor], rates: list[float]) -> Numbers:
    numbers = torch.zeros_like(gradients[0]).requires_grad_()
    step = stepper(settings, numbers)
    for gradient, rate in zip(gradients, rates, strict=True):
        step(gradient.clone(), length(gradient), rate)
    return numbers.detach().double().numpy()


@settings(max_examples=20)
@given(
    steps=st.integers(1, 6),
    momentum=st.floats(0, 0.95),
    damping=st.floats(0, 2),
    magnitude=st.sampled_from([1e-6, 1.0, 1e6]),
    seed=st.integers(0, 1000),
)
def test_adam_is_its_formula(
    steps: int, momentum: float, damping: float, magnitude: float, seed: int
) -> None:
    gradients = [magnitude * drawn(3, 4, 5, seed=seed + step) for step in range(steps)]
    rates = [0.17 / (step + 1) for step in range(steps)]
    found = moved(Settings(momentum=momentum, damping=damping), gradients, rates)
    listed = [gradient.double().numpy() for gradient in gradients]
    expected = slow_adam(listed, rates, momentum, damping + 1e-8)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_nadam_is_its_formula(steps: int) -> None:
    gradients = [drawn(3, 4, 5, seed=step) for step in range(steps)]
    found = moved(Settings(rule="nadam"), gradients, [0.5] * steps)
    expected = slow_nadam([gradient.double().numpy() for gradient in gradients], 0.5)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@settings(max_examples=20)
@given(steps=st.integers(1, 4), rate=st.floats(0.01, 10), seed=st.integers(0, 1000))
def test_the_lectures_rules_are_their_formulas(steps: int, rate: float, seed: int) -> None:
    gradients = [drawn(3, 4, 5, seed=seed + step) for step in range(steps)]
    listed = [gradient.double().numpy() for gradient in gradients]
    for rule, expected in (
        ("plain", sum(rate * each for each in listed)),
        ("normalised", sum(rate * unit(each) for each in listed)),
    ):
        found = moved(Settings(rule=rule), gradients, [rate] * steps)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rule", ["adam", "nadam", "plain", "normalised"])
def test_no_gradient_is_no_step(rule: Rule) -> None:
    gradient = drawn(2, 4, 5)
    gradient[1] = 0
    found = moved(Settings(rule=rule), [gradient], [0.1])
    assert np.abs(found[0]).max() > 0
    assert (found[1] == 0).all()


@pytest.mark.parametrize("rule", ["adam", "nadam", "normalised"])
def test_a_faint_gradient_is_a_whole_step(rule: Rule) -> None:
    gradient = drawn(1, 40)
    both = torch.cat([gradient, gradient * 1e-25])
    loud, faint = moved(Settings(rule=rule), [both], [0.1])
    np.testing.assert_allclose(faint, loud, rtol=1e-3)


def test_images_step_by_themselves() -> None:
    gradients = [drawn(4, 3, 8, 8, seed=step) for step in range(3)]
    for rule in ("adam", "nadam", "plain", "normalised"):
        chosen = Settings(rule=rule)  # type: ignore[arg-type]
        together = moved(chosen, gradients, [0.1] * 3)
        turned = moved(chosen, [gradient.flip(0) for gradient in gradients], [0.1] * 3)
        assert (turned[::-1] == together).all(), rule


@pytest.mark.parametrize("magnitude", [1e-30, 1e-25, 1.0, 1e15, 1e25])
def test_length_is_the_root_mean_square(magnitude: float) -> None:
    gradient = drawn(3, 4, 5)
    scaled = gradient * magnitude
    expected = [
        math.sqrt(sum(each**2 for each in image.double().flatten().tolist()) / 20)
        for image in scaled
    ]
    found = length(scaled)
    assert found.shape == (3, 1, 1)
    assert found.flatten().tolist() == pytest.approx(expected, rel=1e-5)
    assert length(torch.zeros(2, 3)).flatten().tolist() == [0, 0]


# The lectures' rules in an ascent: I from zeros, I <- I + eta * gradient


def network() -> nn.Sequential:
    layers = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 6, 3))
    generator = torch.Generator().manual_seed(0)
    for parameter in layers.parameters():
        parameter.data.normal_(0, 0.2, generator=generator)
    return layers.requires_grad_(False).eval()


def slope(layers: nn.Module, objective: Channel, images: Tensor) -> Tensor:
    images = images.clone().requires_grad_()
    return torch.autograd.grad(objective(layers(images)).sum(), images)[0]


@pytest.mark.parametrize("rule", ["plain", "normalised"])
def test_one_step_from_zeros_is_the_lectures(rule: Rule) -> None:
    layers, objective = network(), Channel(torch.tensor([0, 3]))
    eta = 0.01
    made = ascend(
        layers,
        objective,
        size=16,
        seeds=[0, 1],
        settings=Settings(steps=1, rule=rule, learning_rate=eta, transformation=STILL),
        parameterization=Pixels(16),
        start="zeros",
    )
    grey = torch.full((2, 3, 16, 16), 0.5)
    gradient = slope(layers, objective, grey)
    if rule == "normalised":
        gradient = gradient / gradient.square().mean((1, 2, 3), keepdim=True).sqrt()
    torch.testing.assert_close(made.images, grey + eta * gradient)
    torch.testing.assert_close(made.curve[:, 0], objective(layers(grey)))


def test_many_steps_are_the_lectures() -> None:
    layers, objective = network(), Channel(torch.tensor([0, 3]))
    settings = Settings(steps=5, rule="plain", learning_rate=0.5, transformation=STILL, snapshots=1)
    made = ascend(
        layers,
        objective,
        size=16,
        seeds=[0, 1],
        settings=settings,
        parameterization=Pixels(16),
        start="zeros",
    )
    images = torch.full((2, 3, 16, 16), 0.5)
    for _ in range(5):
        images = (images + 0.5 * slope(layers, objective, images)).clamp(0, 1)
    torch.testing.assert_close(made.images, images)


def test_a_step_takes_the_mean_of_its_views() -> None:
    layers, objective = network(), Channel(torch.tensor([0, 3]))

    def made(views: int) -> tuple[Tensor, Tensor]:
        settings = Settings(
            steps=3, rule="plain", learning_rate=0.5, transformation=STILL, views=views
        )
        ascent = ascend(
            layers,
            objective,
            size=16,
            seeds=[0, 1],
            settings=settings,
            parameterization=Fourier(16),
        )
        return ascent.images, ascent.curve

    for found, expected in zip(made(3), made(1), strict=True):
        torch.testing.assert_close(found, expected)
