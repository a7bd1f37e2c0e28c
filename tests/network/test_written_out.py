"""Activation functions that a network writes out: found, named by their values, or none."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from lamella.network.activations import cut
from lamella.network.trace import Traced, trace
from lamella.network.units import OWN, OWN_POSITIVE, OWN_SMOOTH

Function = Callable[[Tensor, "Net"], Tensor]


class Net(nn.Module):
    """A function between two convolutions, with parameters for each channel."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
        self.slope = nn.Parameter(torch.rand(4, 1, 1) / 2)
        self.scale = nn.Parameter(torch.rand(1, 4, 1, 1) + 0.5)
        self.everywhere = nn.Parameter(torch.rand(1, 4, 8, 8))
        self.function = function

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.last(self.function(self.first(images), self))
        return found


def in_place(x: Tensor, net: Net) -> Tensor:
    x.mul_(x.sigmoid())
    return x


def traced(function: Function) -> tuple[Net, Traced]:
    network = Net(function).eval().requires_grad_(False)
    return network, trace(network, (8, 8))[0]


# How it is written, its name, whether its values may be clearly negative.
WRITTEN: dict[str, tuple[Function, str, bool]] = {
    "swish": (lambda x, n: x * torch.sigmoid(x), "silu", False),
    "swish, in place": (in_place, "silu", False),
    "quick GELU": (lambda x, n: x * torch.sigmoid(1.702 * x), "quick_gelu", False),
    "mish": (lambda x, n: x * torch.tanh(F.softplus(x)), "mish", False),
    "mish, overflowing": (lambda x, n: x * (1 + x.exp()).log().tanh(), "mish", False),
    "hard swish": (lambda x, n: x * F.relu6(x + 3) / 6, "hardswish", False),
    "hard sigmoid": (lambda x, n: F.relu6(x + 3) / 6, "hardsigmoid", False),
    "sigmoid": (lambda x, n: 1 / (1 + torch.exp(-x)), "sigmoid", False),
    "GELU": (lambda x, n: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))), "gelu", False),
    "GELU by tanh": (
        lambda x, n: 0.5 * x * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x**3))),
        "gelu",
        False,
    ),
    "maximum": (lambda x, n: torch.maximum(x, torch.zeros(1)), "relu", False),
    "maximum of maps": (lambda x, n: torch.maximum(x, torch.zeros_like(x)), "relu", False),
    "clamp": (lambda x, n: x.clamp(min=0), "relu", False),
    "clamp, in place": (lambda x, n: x.clamp_min_(0), "relu", False),
    "ReLU, in place": (lambda x, n: x.relu_(), "relu", False),
    "mask": (lambda x, n: x * (x > 0).float(), "relu", False),
    "leaky": (lambda x, n: torch.where(x > 0, x, 0.1 * x), "leaky_relu", True),
    "leaky by channel": (lambda x, n: torch.where(x > 0, x, n.slope * x), "leaky_relu", True),
    "ELU": (lambda x, n: torch.where(x > 0, x, x.exp() - 1), "elu", True),
    "scaled": (lambda x, n: F.relu(x * n.scale + n.slope), "relu", False),
    "scaled, clamped": (lambda x, n: (x * n.scale + n.slope).clamp(0, 6), "relu6", False),
    "then scaled": (lambda x, n: x * x.sigmoid() * n.scale, "silu", False),
    "square": (lambda x, n: x.square(), OWN_POSITIVE, False),
    "a dip": (lambda x, n: x * torch.sigmoid(1.5 * x), OWN_SMOOTH, False),
    "snake": (lambda x, n: x + torch.sin(3 * x) ** 2 / 3, OWN, True),
    "sum with itself": (lambda x, n: x + F.relu(x), OWN, True),
    "by channel": (lambda x, n: x * n.slope + x * torch.sigmoid(n.scale * x), OWN, True),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_a_function_is_known_by_its_values(written: str) -> None:
    """And the layer is observed behind it, at positions and channels that stay its own."""
    function, name, signed = WRITTEN[written]
    network, found = traced(function)
    assert (found.layer.activation, found.layer.signed) == (name, signed)
    images = torch.randn(2, 3, 8, 8)
    wanted = function(network.first(images), network)
    observed = cut(network, found.observed)(images)
    if written == "then scaled":
        observed = observed * network.scale
    assert torch.allclose(observed, wanted, atol=1e-6)
    last = trace(network, (8, 8))[1].layer
    assert last.sources[0].layers == (("first", 0),)
    assert last.field == found.layer.field and last.field is not None and not last.gated


def test_what_is_raised_is_the_value_before() -> None:
    network, found = traced(lambda x, n: (x * n.scale + n.slope).clamp(min=0))
    images = torch.randn(2, 3, 8, 8)
    before = network.first(images) * network.scale + network.slope
    assert torch.allclose(cut(network, found.target)(images), before, atol=1e-6)
    assert before.min() < 0


NONE: dict[str, Function] = {
    "a scale": lambda x, n: x * n.scale,
    "an offset": lambda x, n: x + n.everywhere,
    "a residual": lambda x, n: x + n.last(x),
    "a norm": lambda x, n: x / x.norm(dim=1, keepdim=True),
    "a softmax": lambda x, n: x.softmax(1),
    "a gate of the whole image": lambda x, n: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "other for each position": lambda x, n: x * torch.sigmoid(n.everywhere * x),
    "read elsewhere as well": lambda x, n: x * x.sigmoid() + x.mean((2, 3), keepdim=True),
}


@pytest.mark.parametrize("written", NONE)
def test_what_is_no_function_of_one_value_is_none(written: str) -> None:
    _, found = traced(NONE[written])
    assert found.layer.activation is None and found.layer.signed
    assert found.observed == found.target


def test_what_the_network_hands_out_is_no_part_of_a_function() -> None:
    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 4)

        def forward(self, images: Tensor) -> Tensor:
            scores: Tensor = self.fc(images.mean((2, 3)))
            scores * scores.sigmoid()  # looked at, and thrown away
            return scores

    (found,) = trace(Head().eval().requires_grad_(False), (8, 8))
    assert found.layer.activation is None


@given(st.floats(0.2, 3), st.floats(-1, 1), st.sampled_from(["mask", "where", "clamp", "maximum"]))
def test_a_scale_before_a_function_is_none_of_it(scale: float, shift: float, how: str) -> None:
    rectified: dict[str, Callable[[Tensor], Tensor]] = {
        "mask": lambda x: x * (x > 0),
        "where": lambda x: torch.where(x < 0, 0.0, x),
        "clamp": lambda x: x.clamp(min=0),
        "maximum": lambda x: torch.maximum(x, x.new_zeros(())),
    }
    network, found = traced(lambda x, n: rectified[how](x * scale + shift))
    assert found.layer.activation == "relu"
    images = torch.randn(1, 3, 8, 8)
    target, observed = (cut(network, each)(images) for each in (found.target, found.observed))
    assert torch.allclose(target.relu(), observed)


def test_nothing_is_observed_where_no_gradient_leads() -> None:
    """Inside of an own `torch.autograd.Function`."""
    from families.own import made

    layers = trace(made("own function").requires_grad_(False), (32, 32))
    assert [found.layer.activation for found in layers] == [None] * 4
