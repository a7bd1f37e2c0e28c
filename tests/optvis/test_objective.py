"""How objectives add up, what they are given, and what they say when it is not what they name."""

from collections.abc import Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lamella.optvis import L2, Channel, DeepDream, Logit, Neuron, Objective, Seen, Sum
from lamella.optvis.objective import position


class Given(Objective):
    """A number per image, whatever is seen."""

    def __init__(self, numbers: list[float], name: str = "given") -> None:
        self.numbers = numbers
        self.description = name

    def value(self, seen: Seen) -> Tensor:
        return torch.tensor(self.numbers, dtype=torch.float64)


def seen(images: int = 2, **layers: tuple[int, int, int]) -> Seen:
    generator = torch.Generator().manual_seed(0)
    values: Mapping[str, Tensor] = {
        name: torch.randn((images, *shape), generator=generator) for name, shape in layers.items()
    }
    return Seen(torch.rand((images, 3, 8, 8), generator=generator), values)


# The algebra


@given(
    terms=st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=1, max_size=5),
    factors=st.lists(st.floats(-3, 3), min_size=5, max_size=5),
)
def test_a_sum_is_its_terms_times_their_factors(
    terms: list[tuple[float, float]], factors: list[float]
) -> None:
    found = Sum([(f, Given(list(t))) for f, t in zip(factors, terms, strict=False)])
    expected = [sum(f * t[at] for f, t in zip(factors, terms, strict=False)) for at in range(2)]
    assert found(seen(a=(1, 1, 1))).tolist() == pytest.approx(expected)


def test_objectives_compose() -> None:
    one, other = Given([1.0, 2.0], "one"), Given([10.0, 30.0], "other")
    anything = seen(a=(1, 1, 1))
    for objective, expected in [
        (one + other, [11, 32]),
        (other - one, [9, 28]),
        (-one, [-1, -2]),
        (3 * one, [3, 6]),
        (one * 3, [3, 6]),
        (0.5 * (one + 2 * other) - one, [9.5, 29]),
        (torch.tensor([1.0, 0.0]) * one + torch.tensor([0.0, 1.0]) * other, [1, 30]),
        (torch.tensor([1.0, 0.0]) * (torch.tensor([2.0, 5.0]) * one), [2, 0]),
        (-(torch.tensor([1.0, 3.0]) * one), [-1, -6]),
    ]:
        assert objective(anything).tolist() == expected


def test_sums_are_flat() -> None:
    one, other = Given([1.0]), Given([2.0])
    nested = 0.5 * (0.2 * one + 0.8 * other) + one
    assert isinstance(nested, Sum)
    assert [factor for factor, _ in nested.terms] == [0.1, 0.4, 1.0]
    assert [term for _, term in nested.terms] == [one, other, one]


def test_units_and_penalties_compose() -> None:
    pictures = seen(a=(4, 5, 5))
    one, other = Channel(torch.tensor([0, 1])), Neuron(torch.tensor([2, 3]))
    found = (0.2 * one + other * 0.8 - 5.0 * L2())(pictures)
    values = pictures.values["a"]
    penalty = (pictures.images - 0.5).square().mean((1, 2, 3))
    expected = 0.2 * one(values) + 0.8 * other(values) - 5 * penalty
    torch.testing.assert_close(found, expected)


def test_the_gradient_of_a_sum_is_the_sum_of_gradients() -> None:
    pictures = seen(a=(4, 5, 5))
    values = pictures.values["a"].requires_grad_()
    shares = torch.tensor([0.3, 0.9])
    one, other = Channel(torch.tensor([0, 1])), DeepDream()

    def slope(objective: Objective) -> Tensor:
        return torch.autograd.grad(objective(pictures).sum(), values)[0]

    expected = shares[:, None, None, None] * slope(one) - 2 * slope(other)
    torch.testing.assert_close(slope(shares * one - 2 * other), expected)


# Descriptions


def test_a_description_says_the_whole_sum() -> None:
    one, other = Given([0.0], "one"), Given([0.0], "other")
    assert (0.2 * one + 0.8 * other).description == "0.2 × (one) + 0.8 × (other)"
    assert (one - 0.1 * other).description == "1 × (one) + -0.1 × (other)"
    shares = torch.linspace(0, 1, 5)
    assert (shares * one).description == "(0 to 1) × (one)"
    assert (torch.full((5,), 0.5) * one).description == "0.5 × (one)"


def test_a_description_names_the_layer_where_the_objective_does() -> None:
    assert DeepDream().description == "mean square of all channels"
    assert DeepDream("features.3").description == "mean square of all channels of features.3"
    assert Logit(torch.tensor([0]), "fc").description == "class logit of fc"


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        (None, None, ""),
        (0, 4, "row 0, column 4"),
        (None, 4, "middle row, column 4"),
        (0, None, "row 0, middle column"),
    ],
)
def test_a_position_in_words(row: int | None, column: int | None, said: str) -> None:
    assert position(row, column) == said


# What is seen


def test_the_only_layer_needs_no_name() -> None:
    pictures = seen(a=(2, 1, 1))
    assert pictures.layer("") is pictures.values["a"]
    assert pictures.layer("a") is pictures.values["a"]


def test_each_objective_reads_the_layer_that_it_names() -> None:
    pictures = seen(a=(2, 3, 3), b=(5, 2, 2))
    both = DeepDream("a") + Logit(torch.tensor([4, 0]), "b")
    both.check(pictures)
    a, b = pictures.values["a"], pictures.values["b"]
    expected = a.square().mean((1, 2, 3)) + b.mean((2, 3))[[0, 1], [4, 0]]
    torch.testing.assert_close(both(pictures), expected)


@pytest.mark.parametrize(
    ("objective", "layers", "problem"),
    [
        (DeepDream("c"), "ab", r"names the layer 'c'; the network was cut at 'a', 'b'"),
        (DeepDream("c"), "a", r"names the layer 'c'; the network was cut at 'a'"),
        (DeepDream(), "ab", r"names no layer; the network was cut at 'a', 'b'"),
        (DeepDream(), "", r"names no layer; the network was cut at no layer"),
        (L2() + DeepDream("c"), "ab", r"names the layer 'c'"),
    ],
)
def test_a_layer_that_is_not_there_is_named(
    objective: Objective, layers: str, problem: str
) -> None:
    pictures = seen(**dict.fromkeys(layers, (2, 3, 3)))
    with pytest.raises(ValueError, match=problem):
        objective(pictures)
    if layers:
        with pytest.raises(ValueError, match=problem):
            objective.check(pictures)


@pytest.mark.parametrize(
    ("factor", "problem"),
    [
        (torch.ones(3), "3 factors for 2 images"),
        (torch.ones(1), "1 factors for 2 images"),
        (torch.tensor(1.0), "1 factors for 2 images"),
        (torch.ones(2, 2), "4 factors for 2 images"),
    ],
)
def test_factors_of_another_length_are_refused(factor: Tensor, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        (factor * Given([1.0, 2.0])).check(seen(a=(1, 1, 1)))


def test_a_sum_asks_each_of_its_terms() -> None:
    one = Channel(torch.tensor([0, 1]))
    for wrong in (one + Channel(torch.tensor([9, 0])), 2 * (one - Neuron(torch.tensor([0, 9])))):
        with pytest.raises(ValueError, match="No channel 9: the target has 4"):
            wrong.check(seen(a=(4, 5, 5)))
    (one + L2()).check(seen(a=(4, 5, 5)))
