"""Networks after public reports to tools of the field: each tiny, each with what was reported."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Way = Callable[["Net", Tensor], Any]


class Net(nn.Module):
    """Two convolutions and a head, with a forward pass of its own."""

    def __init__(self, way: Way, inputs: int = 3, features: int = 8, **parts: nn.Module) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(inputs, 6, 3, 2, 1), nn.Conv2d(6, 8, 3)
        self.last = nn.Linear(features, 4)
        self.way = way
        for name, part in parts.items():
            setattr(self, name, part)

    def maps(self, images: Tensor) -> Tensor:
        found: Tensor = self.second(self.first(images).relu()).relu()
        return found

    def scores(self, maps: Tensor) -> Tensor:
        found: Tensor = self.last(maps.mean((2, 3)))
        return found

    def forward(self, images: Tensor) -> Any:
        return self.way(self, images)


def plain(net: Net, images: Tensor) -> Tensor:
    return net.scores(net.maps(images))


def autocast(net: Net, images: Tensor) -> Tensor:
    """Weights in full, activations narrow."""
    with torch.autocast("cpu", torch.bfloat16):
        return plain(net, images)


def both(net: Net, images: Tensor) -> tuple[Tensor, Tensor]:
    """Class scores, and what they were read from."""
    maps = net.maps(images)
    return net.scores(maps), maps


def named_maps(net: Net, images: Tensor) -> dict[str, Tensor]:
    """Scores of every pixel, in a dictionary, beside those of a helper."""
    early = net.first(images).relu()
    return {"out": net.pixels(net.second(early).relu()), "aux": net.helper(early)}


def sequence(activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Layers 0, 2 and 4, each with an activation behind it, and 8."""
    convolutions = (nn.Conv2d(3, 6, 3, 2), nn.Conv2d(6, 8, 3), nn.Conv2d(8, 8, 3))
    parts = [part for one in convolutions for part in (one, activation())]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))


def gate(values: Tensor) -> Tensor:
    return values * torch.sigmoid(values)


class Gate(nn.Module):
    """An activation function that is scripted, and nothing else of the network."""

    def __init__(self) -> None:
        super().__init__()
        self.function = torch.jit.script(gate)

    def forward(self, values: Tensor) -> Tensor:
        found: Tensor = self.function(values)
        return found


def one_block(change: Callable[[nn.Module], Any]) -> nn.Module:
    net = sequence(nn.ReLU)
    net[2] = change(net[2])
    return net


def enlarging(width: int, groups: int) -> nn.Module:
    """Maps are enlarged by a transposed convolution that treats channels apart."""
    return Net(
        lambda net, images: net.scores(net.second(net.up(net.first(images).relu()).relu()).relu()),
        first=nn.Conv2d(3, 4, 3, 2, 1),
        up=nn.ConvTranspose2d(4, width, 4, 2, 1, groups=groups),
        second=nn.Conv2d(width, 8, 3),
    )


def remembering(net: Net, images: Tensor) -> Tensor:
    """Beside a state of one row."""
    found: Tensor = net.last(torch.cat([net.maps(images).mean((2, 3)), torch.zeros(1, 4)], 1))
    return found


def cut_off(context: Callable[[], AbstractContextManager[Any]]) -> Way:
    """The whole trunk runs without gradients."""

    def way(net: Net, images: Tensor) -> Tensor:
        with context():
            maps = net.maps(images)
        return net.scores(maps)

    return way


def partly(net: Net, images: Tensor) -> Tensor:
    """The second convolution alone is cut off from the image."""
    return net.scores(net.second(net.first(images).relu().detach()).relu())


def in_place(net: Net, images: Tensor) -> Tensor:
    """One ReLU for all places, which overwrites what it reads; images and sums change too."""
    images.sub_(0.1)
    early = net.relu(net.first(images))
    late = net.second(early)
    late += early
    return net.scores(net.relu(late))


def apart(net: Net, images: Tensor) -> Tensor:
    """The same, nothing in place."""
    early = F.relu(net.first(images - 0.1))
    return net.scores(F.relu(net.second(early) + early))


def patched(net: Net, images: Tensor) -> Tensor:
    tokens = net.patches(images).flatten(2).transpose(1, 2)
    found: Tensor = net.last(net.mix(tokens).mean(1))
    return found


class Attention(nn.MultiheadAttention):
    def forward(self, tokens: Tensor) -> Tensor:  # type: ignore[override]
        return tokens + super().forward(tokens, tokens, tokens, need_weights=False)[0]


class Registers(nn.Module):
    """4 x 4 patches, a class token and eight registers: 25 tokens, a square. All attention goes to
    the patch in the lower right corner."""

    def __init__(self, behind: bool = False, unfolded: bool = False) -> None:
        super().__init__()
        self.behind, self.unfolded = behind, unfolded
        self.patches = nn.Linear(192, 8) if unfolded else nn.Conv2d(3, 8, 8, 8)
        self.start = nn.Parameter(torch.randn(1, 1, 8))
        self.registers = nn.Parameter(torch.randn(1, 8, 8))
        self.value, self.last = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, images: Tensor) -> Tensor:
        if self.unfolded:
            tokens = self.patches(F.unfold(images, 8, stride=8).transpose(1, 2))
        else:
            tokens = self.patches(images).flatten(2).transpose(1, 2)
        start, more = (each.expand(len(images), -1, -1) for each in (self.start, self.registers))
        tokens = torch.cat((start, tokens, more) if self.behind else (start, more, tokens), 1)
        for _ in range(2):
            bias = torch.zeros(25, 25)
            bias[:, 16 if self.behind else 24] = 9.0
            heads = self.value(tokens).unflatten(2, (2, 4)).transpose(1, 2)
            seen = F.scaled_dot_product_attention(heads, heads, heads, attn_mask=bias)
            tokens = tokens + seen.transpose(1, 2).flatten(2)
        found: Tensor = self.last(tokens[:, 0])
        return found


def spectral(back: Callable[[Tensor], Tensor]) -> nn.Module:
    """Maps are mixed in the frequency domain between two convolutions."""
    net = Net(
        lambda net, images: net.scores(
            net.second(back(torch.fft.fft2(net.first(images).relu()) * net.filter)).relu()
        )
    )
    net.filter = nn.Parameter(torch.rand(6, 16, 16))
    return net


def viewed(how: str) -> nn.Module:
    """view() on maps, as small networks do it before their linear layers."""
    ways: dict[str, Callable[[Net, Tensor], Tensor]] = {
        "flat": lambda net, maps: maps.view(maps.size(0), -1),
        "fixed": lambda net, maps: maps.view(-1, 8 * 14 * 14),
        "heads": lambda net, maps: (
            maps.view(-1, 2, 4, 14, 14).transpose(1, 2).contiguous().view(-1, 8 * 196)
        ),
        "parameter": lambda net, maps: maps.flatten(1) + net.place.view(1, -1),
    }
    net = Net(lambda net, images: net.last(ways[how](net, net.maps(images))), features=8 * 196)
    net.place = nn.Parameter(torch.randn(1, 8, 14, 14))
    return net


def branched(skipped: bool) -> nn.Module:
    """One of two convolutions runs, by how much every picture varies. On black, which is what a
    tracer may show it, the dark one does, whose weights are zero. Skipped: on black none does."""

    def way(net: Net, images: Tensor) -> Tensor:
        maps = net.first(images).relu()
        if images.std((2, 3), correction=0).min() > 0.05:
            maps = net.second(maps)
        elif not skipped:
            maps = net.dark(maps)
        return net.scores(maps)

    dark = nn.Conv2d(6, 6, 3)
    nn.init.zeros_(dark.weight)
    nn.init.zeros_(dark.bias)  # type: ignore[arg-type]
    return Net(way, features=6, second=nn.Conv2d(6, 6, 3), dark=dark)


def quantized(dynamic: bool) -> nn.Module:
    """A network whose linear layer, or all of which, computes with whole numbers."""
    ao = torch.ao.quantization
    if dynamic:
        found: nn.Module = ao.quantize_dynamic(Net(plain).eval(), {nn.Linear})
        return found
    net = nn.Sequential(ao.QuantStub(), nn.Conv2d(3, 4, 3), nn.ReLU(), ao.DeQuantStub()).eval()
    net.qconfig = ao.default_qconfig  # type: ignore[assignment]
    ao.prepare(net, inplace=True)
    net(torch.rand(2, 3, 8, 8))
    converted: nn.Module = ao.convert(net)
    return converted


def broken_norm() -> nn.Module:
    """One channel's running variance is no number, as after training that went wrong."""
    net = Net(
        lambda net, images: net.scores(net.norm(net.second(net.first(images).relu())).relu()),
        norm=nn.BatchNorm2d(8),
    )
    net.norm.running_var[5] = float("nan")  # type: ignore[index]
    return net


class Names(nn.Module):
    """Layers with names that HTML, addresses and globs would read otherwise."""

    def __init__(self) -> None:
        super().__init__()
        names = ("a b", "A b", "[x]*", "<i>", "größe#1?", "index")
        parts = {name: nn.Conv2d(2 if at else 3, 2, 3) for at, name in enumerate(names)}
        self.parts, self.last = nn.ModuleDict(parts), nn.Linear(2, 3)

    def forward(self, images: Tensor) -> Tensor:
        for part in self.parts.values():
            images = part(images).relu()
        found: Tensor = self.last(images.mean((2, 3)))
        return found


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "01 grey": lambda: Net(plain, inputs=1),
    "02 half": lambda: Net(plain).half(),
    "02 bfloat16": lambda: Net(plain).bfloat16(),
    "02 autocast": lambda: Net(autocast),
    "03 dict": lambda: Net(lambda n, x: dict(zip(("logits", "hidden"), both(n, x), strict=True))),
    "03 pair": lambda: Net(both),
    "03 maps": lambda: Net(named_maps, pixels=nn.Conv2d(8, 4, 1), helper=nn.Conv2d(6, 4, 1)),
    "05 whole": lambda: torch.jit.script(sequence(nn.SiLU).eval()),
    "05 block": lambda: one_block(torch.jit.script),
    "05 function": lambda: sequence(Gate),
    "06 depthwise": lambda: enlarging(4, 4),
    "06 grouped": lambda: enlarging(6, 2),
    "07 flattened": lambda: Net(lambda n, x: n.last(n.maps(x).reshape(1, 8 * 196)), features=1568),
    "07 remembering": lambda: Net(remembering, features=12),
    "08 plain": lambda: sequence(nn.ReLU),
    "08 whole": lambda: torch.compile(sequence(nn.ReLU), backend="eager"),
    "08 block": lambda: one_block(lambda part: torch.compile(part, backend="eager")),
    "11 frozen": lambda: Net(cut_off(torch.no_grad)),
    "11 inference": lambda: Net(cut_off(torch.inference_mode)),
    "11 partly": lambda: Net(partly),
    "12 in place": lambda: Net(in_place, features=6, second=nn.Conv2d(6, 6, 3, padding=1),
                               relu=nn.ReLU(inplace=True)),
    "12 apart": lambda: Net(apart, features=6, second=nn.Conv2d(6, 6, 3, padding=1),
                            relu=nn.ReLU(inplace=True)),
    "13 module": lambda: Net(patched, patches=nn.Conv2d(3, 8, 8, 8),
                             mix=Attention(8, 2, batch_first=True)),
    "13 encoder": lambda: Net(patched, patches=nn.Conv2d(3, 8, 8, 8),
                              mix=nn.TransformerEncoderLayer(8, 2, 6, batch_first=True)),
    "14 few": lambda: nn.Sequential(nn.Conv2d(3, 1, 5, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                                    nn.Flatten(), nn.Linear(1, 2)),
    "15 before": Registers,
    "15 behind": lambda: Registers(behind=True),
    "15 unfolded": lambda: Registers(unfolded=True),
    "20 not square": lambda: nn.Sequential(nn.Conv2d(3, 6, 3, 3), nn.ReLU(), nn.Conv2d(6, 8, 2, 2),
                                           nn.ReLU(), nn.Flatten(), nn.Linear(8 * 8 * 4, 4)),
    "21 real": lambda: spectral(lambda spectrum: torch.fft.ifft2(spectrum).real),
    "21 inverse": lambda: spectral(lambda spectrum: torch.fft.ifft2(spectrum).abs()),
    "21 property": lambda: spectral(lambda spectrum: (spectrum.real.mT * 1.0).mT),
    "22 dropout on": lambda: Net(lambda n, x: n.scores(F.dropout(n.maps(x), 0.5))),
    "23 flat": lambda: viewed("flat"),
    "23 fixed": lambda: viewed("fixed"),
    "23 heads": lambda: viewed("heads"),
    "23 parameter": lambda: viewed("parameter"),
    "24 names": Names,
    "25 swapped": lambda: branched(skipped=False),
    "25 skipped": lambda: branched(skipped=True),
    "26 dynamic": lambda: quantized(dynamic=True),
    "26 static": lambda: quantized(dynamic=False),
    "27 NaN in a norm": broken_norm,
}  # fmt: skip


def made(name: str) -> nn.Module:
    """A network of that name, in eval mode, with the same weights each time."""
    torch.manual_seed(1)
    return NETWORKS[name]().eval()
