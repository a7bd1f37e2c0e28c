"""Where tokens, windows and maps lie: an oracle that knows, and any order of rearrangements."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lamella.errors import ModelError
from lamella.network.activations import visit
from lamella.network.trace import examined

SIDE = 16  # of the images; of maps 8


class Rearranged(nn.Module):
    """Maps, rearranged in some way, then a linear layer that changes nothing: its values laid out
    must be the maps."""

    def __init__(self, way: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.way = way
        self.maps = nn.Conv2d(3, 6, 2, 2)
        self.same = nn.Linear(6, 6)
        self.token = nn.Parameter(torch.randn(1, 1, 6))
        with torch.no_grad():
            self.same.weight.copy_(torch.eye(6))
            self.same.bias.zero_()

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.same(self.way(self.maps(images)))
        return found


def tokens(maps: Tensor) -> Tensor:
    return maps.flatten(2).transpose(1, 2)


def windows(maps: Tensor, side: int = 4) -> Tensor:
    number, channels, rows, columns = maps.shape
    cut = maps.view(number, channels, rows // side, side, columns // side, side)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(-1, side * side, channels)


def spread_windows(maps: Tensor) -> Tensor:
    """A grid of far-apart positions in each window, as in MaxViT."""
    number, channels = maps.shape[:2]
    return maps.view(number, channels, 4, 2, 4, 2).permute(0, 3, 5, 2, 4, 1).flatten(1, 2)


def extra(where: str, number: int) -> Callable[[Tensor], Tensor]:
    def way(maps: Tensor) -> Tensor:
        token = torch.randn(1, 1, 6).expand(len(maps), number, -1)
        found = tokens(maps)
        if where == "middle":
            return torch.cat([found[:, :20], token, found[:, 20:]], 1)
        return torch.cat([token, found] if where == "before" else [found, token], 1)

    return way


def padded_windows(maps: Tensor) -> Tensor:
    """Windows of 3 positions, which need a border; the border has no place."""
    return windows(F.pad(maps.permute(0, 2, 3, 1), (0, 0, 0, 1, 0, 1)).permute(0, 3, 1, 2), 3)


WAYS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "tokens": (tokens, 0),
    "sequence first": (lambda maps: tokens(maps).transpose(0, 1), 0),
    "one row for all": (lambda maps: tokens(maps).flatten(0, 1), 0),
    "tokens first, in one row": (lambda maps: tokens(maps).transpose(0, 1).flatten(0, 1), 0),
    "channels last": (lambda maps: maps.permute(0, 2, 3, 1), 0),
    "columns before rows": (lambda maps: maps.permute(0, 3, 2, 1).flatten(1, 2), 0),
    "class token": (extra("before", 1), 1),
    "registers behind": (extra("behind", 4), 4),
    "registers in the middle": (extra("middle", 2), 2),
    "windows": (windows, 0),
    "shifted windows": (lambda maps: windows(maps.roll((-2, -2), (2, 3))), 0),
    "windows with a border": (padded_windows, 0),
    "windows, their tokens first": (lambda maps: windows(maps).transpose(0, 1), 0),
    "windows apart": (lambda maps: windows(maps).unflatten(0, (-1, 4)), 0),
    "one window": (lambda maps: windows(maps, 8).unflatten(0, (-1, 1)), 0),
    "a grid in each window": (spread_windows, 0),
    "strips": (lambda maps: torch.cat(maps.permute(0, 2, 3, 1).chunk(4, 1), 2), 0),
    "upside down": (lambda maps: tokens(maps.flip(2)), 0),
}


def laid_out(network: nn.Module, images: Tensor, layer: str) -> tuple[Tensor, Any]:
    found = {each.layer.name: each for each in examined(network, (SIDE, SIDE)).traced}
    kept: list[Tensor] = []
    with torch.no_grad():
        visit(network, images, {found[layer].observed: kept.append})
    return kept[0], found[layer].layer


@pytest.mark.parametrize("name", WAYS)
def test_values_lie_where_they_come_from(name: str) -> None:
    torch.manual_seed(0)
    way, apart = WAYS[name]
    network = Rearranged(way).eval()
    images = torch.rand(3, 3, SIDE, SIDE)
    values, layer = laid_out(network, images, "same")
    assert (layer.height, layer.width, layer.placed, layer.apart) == (8, 8, True, apart)
    assert layer.field.size == 2 and layer.sources[0].layers == (("maps", 0),)
    with torch.no_grad():
        torch.testing.assert_close(values, network.maps(images))


STEPS: dict[str, Callable[[Tensor], Tensor]] = {
    "transpose": lambda x: x.transpose(2, 3),
    "roll": lambda x: x.roll((1, 3), (2, 3)),
    "flip": lambda x: x.flip(3),
    "through tokens": lambda x: tokens(x).transpose(1, 2).reshape_as(x),
    "through windows": lambda x: windows(x, 2).transpose(1, 2).reshape(len(x), 16, 6, 2, 2)
    .permute(0, 2, 1, 3, 4).reshape(len(x), 6, 8, 8),
    "halves": lambda x: torch.cat([x[:, :, 4:], x[:, :, :4]], 2),
    "split": lambda x: torch.cat(x.split(2, 3)[::-1], 3),
    "shuffled": lambda x: F.pixel_unshuffle(x, 2).unflatten(1, (6, 4)).flatten(2).reshape_as(x),
}  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=5))
def test_any_order_of_rearrangements(steps: list[str]) -> None:
    def way(maps: Tensor) -> Tensor:
        for step in steps:
            maps = STEPS[step](maps)
        return tokens(maps)

    torch.manual_seed(1)
    network = Rearranged(way).eval()
    images = torch.rand(2, 3, SIDE, SIDE)
    values, layer = laid_out(network, images, "same")
    assert layer.placed and (layer.height, layer.width) == (8, 8)
    with torch.no_grad():
        torch.testing.assert_close(values, network.maps(images))


class Headed(nn.Module):
    """Attention of two heads by hand, whose answers keep the places of who asks."""

    def __init__(self, asks: str) -> None:
        super().__init__()
        self.asks = asks
        self.maps, self.qkv, self.out = nn.Conv2d(3, 6, 2, 2), nn.Linear(6, 18), nn.Linear(6, 6)

    def forward(self, images: Tensor) -> Tensor:
        joint = self.qkv(tokens(self.maps(images))).unflatten(2, (3, 2, 3))
        query, key, value = joint.permute(2, 0, 3, 1, 4)
        if self.asks == "einsum":
            shares = torch.einsum("bhqd,bhkd->bhqk", query, key).softmax(-1)
            mixed = torch.einsum("bhqk,bhkd->bhqd", shares, value)
        elif self.asks == "batched":
            query, key, value = (each.flatten(0, 1) for each in (query, key, value))
            mixed = torch.bmm(torch.bmm(query, key.mT).softmax(-1), value).unflatten(0, (-1, 2))
        else:
            mixed = F.scaled_dot_product_attention(query, key, value)
        found: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return found


@pytest.mark.parametrize("asks", ["einsum", "batched", "fused"])
def test_attention_keeps_the_places_of_queries_and_the_channels_of_values(asks: str) -> None:
    _, out = laid_out(Headed(asks).eval(), torch.rand(1, 3, SIDE, SIDE), "out")
    assert (out.height, out.width, out.placed, out.field) == (8, 8, True, None)
    assert out.sources[0].layers == (("qkv", 12),) and out.sources[0].channels == 6


def test_what_is_mixed_lies_nowhere() -> None:
    """Positions that a linear layer mixes, and a sum over what lies at two places."""

    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maps, self.mix, self.two = nn.Conv2d(3, 6, 2, 2), nn.Linear(64, 9), nn.Linear(6, 2)

        def forward(self, images: Tensor) -> Tensor:
            maps = self.maps(images)
            return self.mix(maps.flatten(2)).mean() + self.two(tokens(maps + maps.flip(3))).mean()

    network = Mixed().eval()
    values, mix = laid_out(network, torch.rand(2, 3, SIDE, SIDE), "mix")
    assert not mix.placed and not mix.has_map and values.shape == (2, 9, 6, 1)
    _, two = laid_out(network, torch.rand(2, 3, SIDE, SIDE), "two")
    assert not two.placed


def test_tokens_of_another_number_are_refused() -> None:
    network = Rearranged(extra("before", 1)).eval()
    found = {each.layer.name: each for each in examined(network, (SIDE, SIDE)).traced}
    with pytest.raises(ModelError, match="makes 17 tokens of an image here, and 65 at its own"):
        visit(network, torch.rand(1, 3, 8, 8), {found["same"].observed: lambda values: None})
