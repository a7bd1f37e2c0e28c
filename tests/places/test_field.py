"""Receptive fields against gradients: nothing outside of what is said, and not much more inside."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamella.network.activations import cut
from lamella.network.trace import examined

SIDE = 40


class Behind(nn.Module):
    """A convolution with stride, something, and another convolution."""

    def __init__(self, between: Any, channels: int = 8) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 4, stride=4, padding=1)
        self.between = between
        self.last = nn.Conv2d(channels, 4, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.last(self.between(self.first(images)))
        return found


class Gate(nn.Module):
    """Squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, maps: Tensor) -> Tensor:
        return maps * self.fc(maps.mean((2, 3))).sigmoid()[:, :, None, None]


def shuffled(maps: Tensor) -> Tensor:
    number, _, rows, columns = maps.shape
    return maps.view(number, 2, 4, rows, columns).transpose(1, 2).reshape(maps.shape)


def focus(maps: Tensor) -> Tensor:
    return torch.cat([maps[..., a::2, b::2] for a in (0, 1) for b in (0, 1)], 1)


# With how many pixels more than the gradient a field may say; None where it is not known.
BETWEEN: dict[str, tuple[Any, int, int | None]] = {
    "nothing": (nn.Identity(), 8, 0),
    "nearest": (lambda x: F.interpolate(x, scale_factor=2), 8, 4),
    "bilinear": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), 8, 6),
    "corners": (nn.Upsample(size=(20, 20), mode="bilinear", align_corners=True), 8, 12),
    "bicubic": (lambda x: F.interpolate(x, scale_factor=4, mode="bicubic"), 8, 8),
    "halved": (lambda x: F.interpolate(x, scale_factor=0.5), 8, 0),
    "transposed": (nn.ConvTranspose2d(8, 8, 2, stride=2), 8, 4),
    "transposed, overlapping": (nn.ConvTranspose2d(8, 8, 3, 2, padding=1, output_padding=1), 8, 4),
    "transposed, dilated": (nn.ConvTranspose2d(8, 8, 3, dilation=2), 8, 1),
    "pixel shuffle": (nn.PixelShuffle(2), 2, 4),
    "pixel unshuffle": (nn.PixelUnshuffle(2), 32, 0),
    "focus": (focus, 32, 0),
    "every other": (lambda x: x[:, :, ::2, 1::2], 8, 0),
    "cropped": (lambda x: x[:, :, 2:-1, 1:-2], 8, 0),
    "repeated": (lambda x: x.repeat_interleave(2, 2).repeat_interleave(2, 3), 8, 4),
    "channel shuffle": (shuffled, 8, 0),
    "halves of the channels": (lambda x: torch.cat(x.chunk(2, 1)[::-1], 1), 8, 0),
    "glu": (nn.GLU(1), 4, 0),
    "adaptive": (nn.AdaptiveAvgPool2d(5), 8, 0),
    "dilated": (nn.Conv2d(8, 8, 3, dilation=3, padding="same"), 8, 1),
    "clamped": (lambda x: torch.maximum(x.clamp_min(-0.5), x * 0.1), 8, 0),
    "through tokens": (lambda x: x.flatten(2).transpose(1, 2).mT.unflatten(2, (10, 10)), 8, 0),
    "channels last": (
        lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (8,)).permute(0, 3, 1, 2),
        8,
        0,
    ),
    "cut off": (lambda x: F.interpolate(x, size=(7, 7), mode="bilinear"), 8, None),
    "fourier": (lambda x: torch.fft.ifft2(torch.fft.fft2(x)).real, 8, None),
}


def checked(network: nn.Module, layer: str) -> tuple[Any, int]:
    """The layer; by how many pixels its field is larger than where its gradients come from, at
    most, in the middle. Outside of the field there must be none."""
    traced = next(one for one in examined(network, (SIDE, SIDE)).traced if one.layer.name == layer)
    found = traced.layer
    if found.field is None:
        return found, 0
    forward = cut(network, traced.target)
    more = []
    for row in range(found.height):
        image = torch.randn(1, 3, SIDE, SIDE, requires_grad=True)
        column = min(row, found.width - 1)
        forward(image)[0, :, row, column].sum().backward()
        assert image.grad is not None
        used = image.grad[0].abs().sum(0) > 1e-12
        box = found.box(row, column, SIDE, SIDE)
        outside = used.clone()
        outside[box.top : box.top + box.height, box.left : box.left + box.width] = False
        assert not outside.any(), (row, column, box)
        if found.height // 3 <= row <= found.height - found.height // 3 - 1:
            rows = used.any(1).nonzero()
            more.append(box.height - int(rows.max() - rows.min() + 1))
    return found, max(more)


@pytest.mark.parametrize("name", BETWEEN)
def test_against_gradients(name: str) -> None:
    torch.manual_seed(0)
    between, channels, most = BETWEEN[name]
    network = Behind(between, channels).eval()
    layer, more = checked(network, "last")
    assert layer.placed and not layer.gated
    if most is None:
        assert layer.field is None
    else:
        assert layer.field is not None and layer.field.size < SIDE and more <= most


GATED = {
    "squeeze and excitation": Gate(),
    "group norm": nn.GroupNorm(2, 8),
    "instance norm": nn.InstanceNorm2d(8),
    "layer norm over all": nn.LayerNorm((8, 10, 10)),
    "its own mean": lambda x: x - x.mean((2, 3), keepdim=True),
    "response": lambda x: x * x.norm(dim=(2, 3), keepdim=True),
}


@pytest.mark.parametrize("name", GATED)
def test_what_comes_in_from_everywhere_is_said(name: str) -> None:
    """The field is that without the gate; that there is one is said."""
    found = examined(Behind(GATED[name]).eval(), (SIDE, SIDE)).traced
    last = next(one.layer for one in found if one.layer.name == "last")
    assert last.gated and last.field is not None and last.field.size == 12
    first = next(one.layer for one in found if one.layer.name == "first")
    assert first.gated == ("norm" in name)  # which is part of the layer itself


def test_a_norm_behind_the_layer_itself_is_said() -> None:
    norm = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.ReLU())
    layer = examined(norm.eval(), (SIDE, SIDE)).traced[0].layer
    assert layer.gated and layer.field is not None and layer.field.size == 3


def test_patches_by_unfolding() -> None:
    """A linear layer over patches is the convolution that it could be."""

    class Patches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Linear(3 * 64, 5)

        def forward(self, images: Tensor) -> Tensor:
            found: Tensor = self.embed(F.unfold(images, 8, stride=8).transpose(1, 2))
            return found

    layer, more = checked(Patches().eval(), "embed")
    assert (layer.height, layer.width, layer.field.size, more) == (5, 5, 8, 0)
    assert layer.field.rows.stride == 8 and layer.field.rows.start == 0
