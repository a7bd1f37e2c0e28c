"""Objectives and the code that writes them."""

import torch

from lamella import optvis
from lamella.analyses.objectives.expressions import Expression, numbers


def test_words_add_up_as_objectives_do() -> None:
    layer = torch.rand(2, 4, 5, 5)
    one, other = optvis.DeepDream(), optvis.Neuron(torch.tensor([1, 2]))
    a, b = Expression.of(one, "a", "a"), Expression.of(other, "b", "c")
    both = torch.tensor([0.5, 0.0]) * a + 2.0 * b - 0.25 * a
    assert both.texts == ("0.5 * a + 2 * b - 0.25 * a", "2 * c - 0.25 * a")
    wanted = torch.tensor([0.25, -0.25]) * one(layer) + 2 * other(layer)
    assert torch.allclose(both.objective(layer), wanted, rtol=1e-5)
    assert set(both.terms) == {"a", "b", "c"}
    assert (1.0 * a).texts == a.texts and numbers([1 / 3, 1234.5]) == [0.33, 1200]
