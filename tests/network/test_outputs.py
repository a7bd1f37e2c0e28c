"""Class scores in a dict, a tuple or a named tuple: found, chosen, or told."""

import copy
from collections import OrderedDict, namedtuple
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lamella.errors import ModelError
from lamella.network.outputs import pick_output

Named = namedtuple("Named", ["features", "classes"])
IMAGE = torch.zeros(1, 3, 8, 8)


class Several(nn.Module):
    """Scores, (image, 4), means, (image, 6), and maps, handed out in some way."""

    def __init__(self, way: Any) -> None:
        super().__init__()
        self.way = way
        self.maps, self.head = nn.Conv2d(3, 6, 3), nn.Linear(6, 4)

    def forward(self, images: Tensor) -> Any:
        maps = self.maps(images)
        means = maps.mean((2, 3))
        return self.way(self.head(means), means, maps)


def keys(results: Any) -> tuple[int, ...]:
    return tuple(results.shape) if isinstance(results, Tensor) else (-1,)


FOUND = {
    "a dict": (lambda s, m, f: {"hidden": m, "logits": s}, "`logits`"),
    "a dict of other names": (lambda s, m, f: OrderedDict(maps=f, classified=s), "`classified`"),
    "a tuple": (lambda s, m, f: (s, m), "`0`"),
    "a tuple, maps first": (lambda s, m, f: (f, s), "`1`"),
    "a tuple of one": (lambda s, m, f: (s,), ""),
}


@pytest.mark.parametrize("name", FOUND)
def test_scores_are_found(name: str) -> None:
    way, key = FOUND[name]
    module = Several(way).eval()
    notes = pick_output(module, "", IMAGE)
    assert keys(module(IMAGE)) == (1, 4)
    assert [key in note for note in notes] == ([True] if key else [])
    assert torch.equal(copy.deepcopy(module)(IMAGE), module(IMAGE))


def test_what_is_not_clear_is_left_as_it_is() -> None:
    module = Several(lambda s, m, f: {"one": s, "two": m}).eval()
    assert pick_output(module, "", IMAGE) == [] and isinstance(module(IMAGE), dict)
    assert pick_output(module, "two", IMAGE) and keys(module(IMAGE)) == (1, 6)
    named = Several(lambda s, m, f: Named(m, s)).eval()
    pick_output(named, "classes", IMAGE)
    assert keys(named(IMAGE)) == (1, 4)
    maps = Several(lambda s, m, f: {"out": f, "aux": f}).eval()
    assert pick_output(maps, "", IMAGE) == [] and isinstance(maps(IMAGE), dict)


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(ModelError, match="returns hidden, logits") as error:
        pick_output(Several(lambda s, m, f: {"hidden": m, "logits": s}).eval(), "logit", IMAGE)
    assert "Did you mean 'logits'?" in str(error.value)
    with pytest.raises(ModelError, match="a single tensor") as error:
        pick_output(Several(lambda s, m, f: s).eval(), "logits", IMAGE)
    assert error.value.remedy == "Leave output out."
