"""Objectives beyond a unit's own against a slow reading of their formulas, number by number."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lamella.optvis import (
    Caricature,
    Channel,
    DeepDream,
    Direction,
    Diversity,
    Logit,
    Neuron,
    Objective,
    Probability,
    Seen,
)

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4))


def values(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 2


def close(objective: Objective, activations: Tensor, expected: list[float]) -> None:
    found = objective(activations)
    assert found.shape == (len(activations),)
    torch.testing.assert_close(
        found.double(), torch.tensor(expected, dtype=torch.float64), rtol=1e-4, atol=1e-5
    )


def numbers(activations: Tensor) -> list[list[list[list[float]]]]:
    """As plain numbers, by image, channel, row and column."""
    listed: list[list[list[list[float]]]] = activations.double().tolist()
    return listed


def flat(image: list[list[list[float]]]) -> list[float]:
    return [value for rows in image for row in rows for value in row]


def scores(image: list[list[list[float]]]) -> list[float]:
    """Spatial means, by channel."""
    return [sum(map(sum, rows)) / (len(rows) * len(rows[0])) for rows in image]


def norm(vector: list[float]) -> float:
    return math.sqrt(sum(each * each for each in vector))


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


# A layer, a class


@settings(max_examples=25)
@given(shape=SHAPES, seed=st.integers(0, 1000))
def test_deep_dream_is_the_mean_square(shape: tuple[int, ...], seed: int) -> None:
    activations = values(*shape, seed=seed)
    expected = [
        sum(each**2 for each in flat(image)) / len(flat(image)) for image in numbers(activations)
    ]
    close(DeepDream(), activations, expected)


@settings(max_examples=25)
@given(shape=SHAPES, seed=st.integers(0, 1000))
def test_classes_are_scores_before_and_after_the_softmax(shape: tuple[int, ...], seed: int) -> None:
    activations = values(*shape, seed=seed)
    classes = [(image + seed) % shape[1] for image in range(shape[0])]
    logits, probabilities = [], []
    for image, wanted in zip(numbers(activations), classes, strict=True):
        every = scores(image)
        logits.append(every[wanted])
        whole = sum(math.exp(score) for score in every)
        probabilities.append(math.log(math.exp(every[wanted]) / whole))
    close(Logit(torch.tensor(classes)), activations, logits)
    close(Probability(torch.tensor(classes)), activations, probabilities)


def test_a_hopeless_probability_has_a_slope() -> None:
    activations = torch.tensor([0.0, 200.0])[None, :, None, None].requires_grad_()
    value = Probability(torch.tensor([0]))(activations)
    (slope,) = torch.autograd.grad(value.sum(), activations)
    assert value.item() == -200
    assert slope.flatten().tolist() == [1, -1]


# Directions


def slow_direction(
    image: list[list[list[float]]], vector: list[float], power: float, at: tuple[int, int] | None
) -> float:
    rows, columns = len(image[0]), len(image[0][0])
    places = [at] if at else [(y, x) for y in range(rows) for x in range(columns)]
    total = 0.0
    for row, column in places:
        here = [channel[row][column] for channel in image]
        along = dot(here, vector) / norm(vector)
        cosine = max(along / norm(here), 0.1)
        total += along * cosine**power
    return total / len(places)


@settings(max_examples=40)
@given(
    shape=SHAPES,
    power=st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0]),
    place=st.sampled_from(["all", "middle row", "middle column", "given"]),
    seed=st.integers(0, 1000),
)
def test_direction_is_its_formula(
    shape: tuple[int, int, int, int], power: float, place: str, seed: int
) -> None:
    images, channels, rows, columns = shape
    activations, vectors = values(*shape, seed=seed), values(images, channels, seed=seed + 1)
    given_row, given_column = seed % rows, seed % columns
    row = None if place in ("all", "middle row") else given_row
    column = None if place in ("all", "middle column") else given_column
    at = (rows // 2 if row is None else row, columns // 2 if column is None else column)
    expected = [
        slow_direction(image, vector, power, None if place == "all" else at)
        for image, vector in zip(numbers(activations), vectors.double().tolist(), strict=True)
    ]
    close(Direction(vectors, power=power, row=row, column=column), activations, expected)


def test_a_direction_along_one_channel_is_that_channel() -> None:
    activations = values(2, 4, 3, 5)
    along = 7 * torch.eye(4)[[2, 0]]
    channel = Channel(torch.tensor([2, 0]), leak=1, border=0, contrast=0)
    torch.testing.assert_close(Direction(along)(activations), channel(activations))
    neuron = Neuron(torch.tensor([2, 0]), row=1, column=4, contrast=0)
    at = Direction(along, row=1, column=4)
    torch.testing.assert_close(at(activations), neuron(activations))


def test_silent_positions_are_finite() -> None:
    activations = torch.zeros(1, 3, 2, 2, requires_grad=True)
    value = Direction(torch.ones(1, 3), power=2)(activations)
    (slope,) = torch.autograd.grad(value.sum(), activations)
    assert value.item() == 0
    assert slope.isfinite().all()
    assert (slope > 0).all()


# Caricatures


@settings(max_examples=30)
@given(shape=SHAPES, power=st.sampled_from([0.0, 1.0, 3.0]), seed=st.integers(0, 1000))
def test_caricature_is_its_formula(shape: tuple[int, ...], power: float, seed: int) -> None:
    activations, wanted = values(*shape, seed=seed), values(*shape, seed=seed + 1)
    expected = []
    for image, other in zip(numbers(activations), numbers(wanted), strict=True):
        here, there = flat(image), flat(other)
        along = dot(here, there) / norm(there)
        expected.append(along * max(along / norm(here), 0.1) ** power)
    close(Caricature(wanted, power=power), activations, expected)


def test_a_caricature_exaggerates() -> None:
    wanted = values(1, 4, 3, 3)
    objective = Caricature(wanted, power=2)
    other = values(1, 4, 3, 3, seed=1)
    other *= wanted.norm() / other.norm()
    assert objective(2 * wanted) > objective(wanted) > objective(other)
    assert not objective.wanted.requires_grad


def test_a_silent_caricature_is_finite() -> None:
    activations = torch.zeros(1, 3, 2, 2, requires_grad=True)
    (slope,) = torch.autograd.grad(Caricature(values(1, 3, 2, 2))(activations).sum(), activations)
    assert slope.isfinite().all()
    assert slope.abs().max() > 0


# Diversity


def slow_gram(image: list[list[list[float]]]) -> list[float]:
    maps = [[value for row in channel for value in row] for channel in image]
    return [dot(one, other) for one in maps for other in maps]


@settings(max_examples=25)
@given(
    groups=st.integers(1, 3),
    group=st.integers(2, 4),
    channels=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_diversity_is_its_double_loop(groups: int, group: int, channels: int, seed: int) -> None:
    activations = values(groups * group, channels, 3, 2, seed=seed)
    grams = [slow_gram(image) for image in numbers(activations)]
    expected = []
    for image in range(groups * group):
        first = image // group * group
        cosines = [
            dot(grams[image], grams[other]) / (norm(grams[image]) * norm(grams[other]))
            for other in range(first, first + group)
            if other != image
        ]
        expected.append(-sum(cosines) / len(cosines))
    close(Diversity(group), activations, expected)


@pytest.mark.parametrize("channels", [3, 200])
def test_diversity_is_the_same_by_channels_and_by_places(channels: int) -> None:
    maps = values(6, channels, 3, 2).flatten(2).requires_grad_()
    objective = Diversity(3)
    found = []
    for way in (objective._by_gram, objective._by_place):
        cosines = way(maps)
        (slope,) = torch.autograd.grad(cosines.square().sum(), maps)
        found.append((cosines, slope))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_groups_do_not_see_each_other() -> None:
    activations = values(4, 3, 2, 2)
    spoilt = torch.cat([activations[:2], values(2, 3, 2, 2, seed=9)])
    assert torch.equal(Diversity(2)(activations)[:2], Diversity(2)(spoilt)[:2])


def test_variety_grows_along_its_gradient() -> None:
    activations = values(3, 4, 3, 3).abs().requires_grad_()
    objective = Diversity(3)
    before = objective(activations)
    (slope,) = torch.autograd.grad(before.sum(), activations)
    assert objective((activations + slope).detach()).sum() > before.sum()


# Joint objectives and interpolations


def test_joint_is_the_sum_of_two() -> None:
    activations = values(3, 4, 5, 5)
    one, other = Channel(torch.tensor([0, 1, 2])), Direction(values(3, 4, seed=1), power=1)
    torch.testing.assert_close((one + other)(activations), one(activations) + other(activations))


def test_an_interpolation_has_one_share_per_image() -> None:
    activations = values(1, 4, 5, 5).expand(5, -1, -1, -1)
    one, other = Logit(torch.full((5,), 1)), Logit(torch.full((5,), 3))
    shares = torch.linspace(0, 1, 5)
    strip = (1 - shares) * one + shares * other
    first, last = one(activations)[0], other(activations)[0]
    expected = [(1 - share) * first + share * last for share in (0, 0.25, 0.5, 0.75, 1)]
    torch.testing.assert_close(strip(activations), torch.stack(expected))
    strip.check(Seen(torch.zeros(5, 3, 8, 8), {"": activations}))


# What makes no sense


@pytest.mark.parametrize(
    ("objective", "problem"),
    [
        (lambda: Logit(torch.tensor([0, 4])), "No channel 4: the target has 4"),
        (lambda: Probability(torch.tensor([0])), "1 channels for 2 images"),
        (lambda: Direction(torch.ones(2, 5)), r"shape \(2, 5\) for values of 2 images and 4 chan"),
        (lambda: Direction(torch.ones(1, 4)), r"shape \(1, 4\) for values of 2 images"),
        (lambda: Direction(torch.ones(2, 4), row=5), "No row 5: the target has 5"),
        (lambda: Direction(torch.ones(2, 4), column=-1), "No column -1: the target has 6"),
        (lambda: Caricature(torch.ones(2, 4, 3, 3)), "take the other image at the size of the pic"),
        (lambda: Diversity(3), "2 images do not divide into groups of 3"),
    ],
)
def test_what_does_not_fit_is_refused(
    objective: Callable[[], Logit | Direction | Caricature | Diversity], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        objective().check_shape((2, 4, 5, 6))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="none of them zero"):
        Direction(torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(ValueError, match="one direction per image"):
        Direction(torch.ones(4))
    with pytest.raises(ValueError, match="at least 2 pictures"):
        Diversity(1)
    with pytest.raises(ValueError, match="whole numbers"):
        Logit(torch.tensor([0.5]))


def test_descriptions_say_what_is_raised() -> None:
    one = torch.tensor([0])
    said = {
        objective.description
        for objective in (
            DeepDream(),
            Logit(one),
            Probability(one),
            Direction(torch.ones(1, 2)),
            Direction(torch.ones(1, 2), row=1, column=2),
            Direction(torch.ones(1, 2), power=2),
            Caricature(torch.ones(1, 2, 3, 3)),
            Diversity(4),
        )
    }
    assert len(said) == 8
    assert "direction in channel space at row 1, column 2" in said
    assert "direction in channel space, cosine to the power 2" in said
