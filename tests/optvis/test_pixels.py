"""Pixels as what is optimised: the plain way."""

import pytest
import torch
from torch import Tensor

from lamella.optvis import Neuron, Pixels, Settings, Transformation, ascend


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_a_picture_is_grey_plus_its_numbers() -> None:
    pixels = Pixels(8)
    numbers = torch.rand((2, 3, 8, 8), generator=generators(0)[0]) - 0.5
    assert torch.equal(pixels(numbers), numbers + 0.5)
    assert torch.equal(pixels(pixels.zeros(2)), torch.full((2, 3, 8, 8), 0.5))


def test_a_picture_comes_back() -> None:
    images = torch.rand((2, 3, 8, 8), generator=generators(0)[0])
    images[0, 0, 0, :2] = torch.tensor([0.0, 1.0])
    pixels = Pixels(8)
    torch.testing.assert_close(pixels(pixels.of(images)), images)


def test_start_is_by_seed_alone() -> None:
    pixels = Pixels(32, deviation=0.05)
    first, second, third = pixels.start(generators(7, 8, 7))
    assert torch.equal(first, third)
    assert not torch.equal(first, second)
    assert torch.equal(second, pixels.start(generators(8))[0])
    assert first.std().item() == pytest.approx(0.05, rel=0.05)


def test_what_leaves_the_range_is_brought_back() -> None:
    pixels = Pixels(4)
    numbers = torch.linspace(-2, 2, 48).reshape(1, 3, 4, 4).requires_grad_()
    before = numbers.detach().clone()
    pixels.confine(numbers)
    assert torch.equal(numbers.detach(), before.clamp(-0.5, 0.5))
    assert numbers.requires_grad
    wild = Pixels(16, deviation=10).start(generators(0))
    assert wild.abs().max() == 0.5


@pytest.mark.parametrize("size", [8, 9])
def test_an_ascent_stays_within_black_and_white(size: int) -> None:
    def network(images: Tensor) -> Tensor:
        return images

    made = ascend(
        network,
        Neuron(torch.tensor([0, 2]), row=2, column=3, contrast=0),
        size=size,
        seeds=[0, 1],
        settings=Settings(
            steps=6,
            rule="plain",
            learning_rate=0.2,
            transformation=Transformation(jitter=0, smallest=1, largest=1, rotation=0),
        ),
        parameterization=Pixels(size),
        start="zeros",
    )
    expected = torch.full((2, 3, size, size), 0.5)
    expected[0, 0, 2, 3] = expected[1, 2, 2, 3] = 1.0
    assert torch.equal(made.images, expected)
    assert made.curve[0].tolist() == pytest.approx([0.5, 0.7, 0.9, 1.0, 1.0, 1.0])
