"""Cascading randomization: the order of stages, and what is random in each."""

from copy import deepcopy
from dataclasses import make_dataclass
from typing import Any

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from lamella.analyses.sanity_checks.randomization import cascade, stages
from lamella.config.preprocessing import Preprocessing
from lamella.loading.weights import untrained
from lamella.network.model import Model


def model_of(network: nn.Module, side: int = 16) -> Model:
    """What the cascade needs of a model."""
    size: Any = make_dataclass("Facts", ["size"])((side, side))
    module = network.eval().requires_grad_(False)
    return Model(module, Preprocessing(), {}, size, torch.device("cpu"))


class Backwards(nn.Module):
    """Registered the wrong way round, with a normalization, a weight that is used by hand, and a
    layer that no pass reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 3)
        self.unused = nn.Linear(4, 3)
        self.by_hand = nn.Parameter(torch.randn(4, 4, 1, 1))
        self.norm = nn.BatchNorm2d(4)
        self.stem = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.stem(x)))
        x = functional.conv2d(x, self.by_hand)
        return self.head(x.mean((2, 3)))


def test_stages_go_down_in_the_order_in_which_layers_run() -> None:
    found = stages(model_of(Backwards()))
    assert [stage.modules for stage in found] == [("head",), ("",), ("stem", "norm")]
    assert [stage.name for stage in found] == ["head", "parameters", "stem"]


@given(st.integers(1, 40), st.integers(2, 8))
def test_every_layer_is_in_one_stage_and_stages_are_few(layers: int, most: int) -> None:
    net = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(layers)))
    found = stages(model_of(net, 2), most)
    order = [path for stage in found[::-1] for path in stage.modules]
    assert order == [str(at) for at in range(layers)] and len(found) == min(layers, most)
    assert found[0].modules == (str(layers - 1),)
    sizes = [len(stage.modules) for stage in found[1:]]
    assert not sizes or max(sizes) - min(sizes) <= 1


def test_blocks_are_those_of_the_author() -> None:
    def block(inputs: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1))

    body = nn.Sequential(*(block(4 if at else 3) for at in range(4)))
    net = nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    found = stages(model_of(net, 4))
    assert [stage.name for stage in found] == ["3", "0.3", "0.2", "0.1", "0.0"]
    assert found[1].modules == ("0.3.0", "0.3.1", "0.3.2")


def test_a_module_that_is_used_twice_is_randomised_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.same, self.between = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.same(self.between(self.same(x)))

    assert [stage.modules for stage in stages(model_of(Twice()))] == [("same",), ("between",)]


def test_the_cascade_goes_down_stage_by_stage_and_leaves_the_rest() -> None:
    model = model_of(Backwards())
    model.module.norm.running_mean.fill_(3)
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    order = stages(model)
    random = untrained(deepcopy(model.module), 7).state_dict()
    done: set[str] = set()
    for at, one in enumerate(cascade(model, order, 7)):
        assert (one is model) == (at == 0) and not one.module.training
        for name, value in one.module.state_dict().items():
            owner = name.rpartition(".")[0]
            assert torch.equal(value, random[name] if owner in done else before[name]), name
        done |= set(order[at].modules) if at < len(order) else set()
    assert done == {"head", "", "stem", "norm"}
    assert random["norm.running_mean"].abs().max() == 0  # what it had measured is forgotten too
    assert all(torch.equal(v, before[n]) for n, v in model.module.state_dict().items())


def test_random_weights_depend_on_the_seed_alone() -> None:
    model = model_of(Backwards())
    torch.manual_seed(5)
    first = [one.module.stem.weight.clone() for one in cascade(model, stages(model), 1)][-1]
    torch.manual_seed(6)
    state = torch.get_rng_state()
    again = [one.module.stem.weight.clone() for one in cascade(model, stages(model), 1)][-1]
    other = [one.module.stem.weight.clone() for one in cascade(model, stages(model), 2)][-1]
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)
