"""What stands for a torch function while a network runs: which calls, with which ordinals."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamella.network.activations import Watch
from lamella.network.function_mode import FunctionMode


class Counted(FunctionMode):
    """Keeps the calls of some functions, and lets them run."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names
        self.asked: list[str] = []
        self.calls: list[tuple[str, int, int, dict[str, Any]]] = []

    def handles(self, name: str) -> bool:
        self.asked.append(name)
        return name in self.names

    def call(
        self, name: str, ordinal: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        self.calls.append((name, ordinal, len(args), kwargs))
        return func(*args, **kwargs)


class Doubled(Counted):
    """Gives back twice what the functions do."""

    def call(
        self, name: str, ordinal: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return 2 * super().call(name, ordinal, func, args, kwargs)


def test_a_call_is_seen_whoever_makes_it() -> None:
    """A module, torch.nn.functional, torch and a method of a tensor; by the name of the function
    that is called first, and not what it calls in turn."""
    images, weight = torch.ones(1, 3, 4, 4), torch.ones(2, 3, 1, 1)
    with Counted("relu", "conv2d", "softmax") as mode:
        nn.Conv2d(3, 2, 1)(images)
        nn.ReLU()(images)
        torch.relu(images)
        images.relu()
        F.conv2d(images, weight=weight)
        F.softmax(images, dim=1)
    assert [(name, ordinal) for name, ordinal, *_ in mode.calls] == [
        ("conv2d", 0),
        ("relu", 0),
        ("relu", 1),
        ("relu", 2),
        ("conv2d", 1),
        ("softmax", 0),
    ]
    assert mode.calls[4][2:] == (1, {"weight": weight})
    assert mode.calls[5][3]["dim"] == 1


def test_other_functions_run_as_they_are_and_are_asked_about_once() -> None:
    images = torch.full((2, 2), -1.0)
    with Counted() as mode:
        found = [images.abs().abs(), images.clamp(min=0), torch.abs(images)]
    assert not mode.calls
    assert mode.asked == ["abs", "clamp"]
    assert [float(one.sum()) for one in found] == [4, 0, 4]


def test_what_the_mode_returns_is_what_the_network_goes_on_with() -> None:
    class Network(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.relu() + 1

    ones = torch.ones(1)
    with Doubled("relu"):
        assert Network()(ones).item() == 3
    assert Network()(ones).item() == 2


def test_modes_stand_behind_each_other() -> None:
    """The inner one is asked first, and its own call of the function reaches the outer one."""
    with Doubled("relu") as outer, Doubled("relu") as inner:
        found = torch.ones(1).relu()
    assert found.item() == 4
    assert len(outer.calls) == len(inner.calls) == 1


def test_a_mode_counts_on_when_it_is_entered_again() -> None:
    mode = Counted("relu")
    for _ in range(2):
        with mode:
            torch.ones(1).relu()
    assert [ordinal for _, ordinal, *_ in mode.calls] == [0, 1]


def test_an_error_leaves_no_mode_behind() -> None:
    mode = Counted("matmul")
    with pytest.raises(RuntimeError), mode:
        torch.ones(2) @ torch.ones(3)
    torch.ones(2) @ torch.ones(2)
    assert len(mode.calls) == 1


def test_a_watch_sees_results_and_not_what_reads_a_tensor() -> None:
    seen: list[tuple[str, int, Any]] = []
    with Watch(lambda name, ordinal, result, args, kwargs: seen.append((name, ordinal, result))):
        images = torch.ones(2, 3)
        assert (images.dim(), tuple(images.size()), images.shape[0]) == (2, (2, 3), 2)
        total = images.sum()
    assert [(name, ordinal) for name, ordinal, _ in seen] == [("ones", 0), ("sum", 0)]
    assert seen[1][2] is total
