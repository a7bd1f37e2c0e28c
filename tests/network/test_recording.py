"""The record of a forward pass: which operation reads the result of which."""

from typing import Any

import torch
from torch import Tensor, nn

from helpers.untouched import untouched
from lamella.network.recording import recorded


class Wired(nn.Module):
    """A sum, results in several parts, something in place, and an output of one's choice."""

    def __init__(self, output: str = "scores") -> None:
        super().__init__()
        self.see = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4, 2)
        self.output = output

    def forward(self, x: Tensor) -> Any:
        maps = self.see(x)
        left, right = maps.relu_().chunk(2, 1)
        means = torch.cat([right, left + right], 1).mean((2, 3))
        return {"scores": self.fc(means), "dict": {"out": means}, "other": torch.zeros(1)}[
            self.output
        ]


def test_operands_and_output() -> None:
    module = Wired().eval().requires_grad_(False)
    with untouched(module, torch.rand(2, 3, 5, 5)):
        seen = recorded(module, (5, 5))
    names = [op.name for op in seen.ops]
    assert names == ["conv2d", "relu", "chunk", "add", "cat", "mean", "linear"]
    # The image; the same tensor behind what happened in place; parts, which come from one place.
    assert [op.operands for op in seen.ops] == [(-1,), (0,), (1,), (2, 2), (2, 3), (4,), (5,)]
    assert seen.output == 6 and seen.ops[6].layer == "fc"
    kernel = seen.ops[6].kernel
    assert kernel is not None
    assert kernel.weight is module.fc.weight and kernel.bias is module.fc.bias
    assert seen.ops[2].value.shape == (1, 2, 3, 3)


def test_outputs_that_come_from_nowhere() -> None:
    for output in ("dict", "other"):
        assert recorded(Wired(output).eval(), (5, 5)).output == -1
