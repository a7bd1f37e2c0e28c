"""Class scores in a dict, a tuple or a named tuple: found, chosen, or told."""

import copy
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamella.errors import ModelError
from lamella.network.outputs import embedded, no_scores, pick_output
from lamella.network.recording import recorded

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


class Ended(nn.Module):
    """Maps behind a convolution and a normalization, made into an output in some way."""

    def __init__(self, way: Callable[["Ended", Tensor], Tensor]) -> None:
        super().__init__()
        self.way = way
        self.maps, self.bn = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)
        self.point, self.fc, self.fc2 = nn.Conv2d(6, 6, 1), nn.Linear(6, 6), nn.Linear(6, 6)
        self.full, self.norm = nn.Conv2d(6, 6, 6), nn.LayerNorm(6)
        self.matrix = nn.Parameter(torch.rand(6, 6))

    def forward(self, images: Tensor) -> Tensor:
        return self.way(self, self.bn(self.maps(images)).relu())

    def head(self, maps: Tensor) -> Tensor:
        found: Tensor = self.fc(maps.mean((2, 3)))
        return found


SCORES: dict[str, Callable[[Ended, Tensor], Tensor]] = {
    "a linear layer": lambda n, x: n.head(x),
    "with a dropout": lambda n, x: F.dropout(n.head(x), 0.5, False),
    "probabilities": lambda n, x: n.head(x).softmax(1),
    "log probabilities": lambda n, x: F.log_softmax(n.head(x), 1),
    "of several classes": lambda n, x: n.head(x).sigmoid(),
    "scaled": lambda n, x: n.head(x) * 10 / 3,
    "shifted": lambda n, x: n.head(x) + x.mean((1, 2, 3))[:, None],
    "two heads": lambda n, x: (n.head(x) + n.fc2(x.amax((2, 3)))) / 2,
    "an ensemble": lambda n, x: torch.stack([n.head(x), n.fc2(x.amax((2, 3)))]).mean(0),
    "of each token": lambda n, x: n.fc(x.flatten(2).transpose(1, 2)).mean(1),
    "an averaged convolution": lambda n, x: n.point(x).mean((2, 3)),
    "SqueezeNet's": lambda n, x: F.adaptive_avg_pool2d(n.point(x).relu(), 1).flatten(1),
    "a convolution of the whole map": lambda n, x: n.full(x).flatten(1),
    "of a cosine": lambda n, x: 20 * F.linear(F.normalize(x.mean((2, 3))), n.fc.weight),
    "a product with a matrix": lambda n, x: x.mean((2, 3)) @ n.matrix,
}
EMBEDDED: dict[str, tuple[Callable[[Ended, Tensor], Tensor], str]] = {
    "no head": (lambda n, x: F.adaptive_avg_pool2d(x, 1).flatten(1), "an activation function"),
    "before the activation": (lambda n, x: n.bn(n.maps(x[:, :3])).mean((2, 3)), "a normalization"),
    "a residual": (lambda n, x: (n.bn(n.point(x)) + x).mean((2, 3)), "a"),
    "branches": (lambda n, x: torch.cat([x, n.bn(x)], 1).amax((2, 3)), "a"),
    "maps of features": (lambda n, x: n.maps(x[:, :3]).mean((2, 3)), "the features of maps.call2"),
    "a last norm": (lambda n, x: n.norm(x.flatten(2).transpose(1, 2))[:, 0], "a normalization"),
    "normalized": (lambda n, x: F.normalize(n.head(x)), "a normalization"),
    "by hand": (lambda n, x: n.head(x) / n.head(x).norm(dim=1, keepdim=True), "a normalization"),
    "by squares": (
        lambda n, x: n.fc(y := x.mean((2, 3))) * n.fc(y).square().sum(1, True).rsqrt(),
        "a normalization",
    ),
    "a hidden layer": (lambda n, x: n.head(x).relu(), "an activation function, relu"),
    "as VGG without its head": (
        lambda n, x: F.adaptive_avg_pool2d(n.full(x).relu(), 1).flatten(1),
        "an activation function, relu",
    ),
    "a hash": (lambda n, x: n.head(x).tanh(), "an activation function, tanh"),
    "a face": (lambda n, x: F.layer_norm(n.head(x), [6]), "a normalization"),
}


@pytest.mark.parametrize("way", SCORES)
def test_what_a_head_yields_is_class_scores(way: str) -> None:
    assert embedded(recorded(Ended(SCORES[way]).eval(), (8, 8))) == ""


@pytest.mark.parametrize("way", EMBEDDED)
def test_features_are_told_from_class_scores(way: str) -> None:
    end, source = EMBEDDED[way]
    assert embedded(recorded(Ended(end).eval(), (8, 8))).startswith(source)


def test_what_the_user_says_goes_before_what_is_seen() -> None:
    assert no_scores("", 6, "", 0) == no_scores("logits", 6, "a normalization", 6) == ""
    assert "6 numbers, counts as an embedding" in no_scores("", 6, "a normalization", 5)
    assert no_scores("none", 6, "", 6).endswith("so says [model] output.")
    module = Several(lambda s, m, f: s).eval()
    assert pick_output(module, "none", IMAGE) == [] and keys(module(IMAGE)) == (1, 4)
