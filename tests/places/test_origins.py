"""Whose channels a layer reads, behind whatever rearranges them."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamella.network.trace import examined


class Read(nn.Module):
    """Two layers, something, and a convolution that reads it."""

    def __init__(self, way: Callable[[Tensor, Tensor], Tensor], channels: int) -> None:
        super().__init__()
        self.way = way
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.last = nn.Conv2d(channels, 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.last(self.way(self.a(images), self.b(images)))
        return found


A, B = [[("a", at)] for at in range(4)], [[("b", at)] for at in range(4)]
WAYS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], list[list[tuple[str, int]]]]] = {
    "joined": (lambda a, b: torch.cat([a, b], 1), A + B),
    "summed": (lambda a, b: a + b, [[*x, *y] for x, y in zip(A, B, strict=True)]),
    "summed twice": (lambda a, b: a + b + a, [[*x, *y] for x, y in zip(A, B, strict=True)]),
    "gated": (lambda a, b: a * b.sigmoid(), A),
    "turned": (lambda a, b: a.flip(1), A[::-1]),
    "halves": (lambda a, b: torch.cat([b.chunk(2, 1)[1], a.chunk(2, 1)[0]], 1), B[2:] + A[:2]),
    "shuffled": (
        lambda a, b: torch.stack([a, b], 2).flatten(1, 2),
        [x for pair in zip(A, B, strict=True) for x in pair],
    ),
    "channels last": (lambda a, b: F.gelu(a.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), A),
    "stretched": (lambda a, b: F.interpolate(b, scale_factor=2), B),
    "unshuffled": (lambda a, b: F.pixel_unshuffle(a, 2), [x for x in A for _ in range(4)]),
}


@pytest.mark.parametrize("name", WAYS)
def test_sources(name: str) -> None:
    way, expected = WAYS[name]
    traced = examined(Read(way, len(expected)).eval(), (8, 8)).traced
    last = next(one.layer for one in traced if one.layer.name == "last")
    found = [
        [(unit.layer, unit.channel) for unit in last.source(0, at)] for at in range(last.inputs)
    ]
    assert found == expected


def test_what_no_layer_made_is_not_taken_for_one() -> None:
    """Coordinates as further channels: nothing is said of any."""

    def way(a: Tensor, b: Tensor) -> Tensor:
        place = torch.linspace(0, 1, 8).expand(len(a), 1, 8, 8)
        return torch.cat([a, place], 1)

    traced = examined(Read(way, 5).eval(), (8, 8)).traced
    last = next(one.layer for one in traced if one.layer.name == "last")
    assert last.sources == () and last.placed and last.field is not None
