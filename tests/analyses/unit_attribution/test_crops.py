"""A crop gives the activation of the whole image, and is no larger than that takes."""

from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from lamella.analyses.unit_attribution.crops import crop_at, field_of, side_of
from lamella.network.activations import cut
from lamella.network.trace import trace
from lamella.network.units import Box, Layer
from lamella.places.field import Field, ReceptiveField

SIZE = (48, 56)


class Branches(nn.Module):
    """A fire module behind a strided convolution: two ways that are laid beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2)
        self.narrow = nn.Conv2d(4, 3, 1)
        self.wide = nn.Conv2d(4, 3, 3, padding=1)
        self.last = nn.Conv2d(6, 4, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        found = functional.max_pool2d(functional.relu(self.stem(image)), 3, 2, ceil_mode=True)
        both = torch.cat([self.narrow(found), self.wide(found)], 1)
        pooled = functional.max_pool2d(functional.relu(both), 3, 2, ceil_mode=True)
        return functional.relu(self.last(pooled))


NETWORKS: dict[str, Any] = {
    "strided": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.Conv2d(4, 4, 3, stride=2), nn.ReLU()
    ),
    "padded": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 7, stride=2, padding=3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, padding=1),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.ReLU(),
    ),
    "dilated": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=2, dilation=2), nn.ReLU(), nn.Conv2d(4, 4, 3, stride=3)
    ),
    "ceiled": Branches,
    "averaged": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=False),
        nn.Conv2d(4, 4, (1, 5), padding=(0, 2)),
    ),
}


def places(extent: int) -> list[int]:
    """Some positions along an axis: those at the borders, and a few between them."""
    return sorted({0, 1, extent // 3, extent // 2, extent - 2, extent - 1} & set(range(extent)))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_crop_gives_the_activation_of_the_whole_image(name):
    torch.manual_seed(1)
    network = NETWORKS[name]().eval()
    image = torch.randn(1, 3, *SIZE)
    smaller = 0
    for traced in trace(network, SIZE):
        layer, see = traced.layer, cut(network, traced.observed)
        assert layer.field is not None
        with torch.no_grad():
            whole = see(image)
            for row in places(layer.height):
                for column in places(layer.width):
                    part = crop_at(layer.field, row, column, SIZE)
                    box = part.box
                    rows = slice(box.top, box.top + box.height)
                    found = see(image[:, :, rows, box.left : box.left + box.width])
                    torch.testing.assert_close(
                        found[0, :, part.row, part.column],
                        whole[0, :, row, column],
                        msg=lambda m, at=(layer.name, row, column): f"{at}: {m}",
                    )
                    smaller += (box.height, box.width) != SIZE
    assert smaller  # crops that are the whole image prove nothing


@given(
    st.integers(1, 60),
    st.sampled_from([1, 2, 3, 4, 8, 16]),
    st.integers(-40, 0),
    st.integers(20, 90),
)
def test_crops_hold_the_field_on_the_layers_grid_and_have_one_size(size, stride, start, extent):
    axis = ReceptiveField(size, stride, start)
    assume(side_of(axis, extent) < extent)
    layer = Layer("a", "convolution", 1, 9, 9, Field(axis, axis))
    for position in range(12):
        part = crop_at(layer.field, position, 0, (extent, extent))
        first, last = part.box.top, part.box.top + part.box.height
        assert part.box.height == part.box.width == side_of(axis, extent)
        assert first % stride == 0 and first >= 0 and last <= extent
        assert part.row == position - first // stride
        seen = layer.box(position, 0, extent, extent)
        if axis.start + position * stride < extent:  # the position has some of the image
            assert first <= seen.top and seen.top + seen.height <= last
        if axis.start + position * stride + size > extent:
            assert last == extent
        if axis.start + position * stride < 0:
            assert first == 0


def test_units_that_see_much_run_on_whole_images():
    def layer(size: int) -> Layer:
        axis = ReceptiveField(size, 8, 0)
        return Layer("a", "convolution", 1, 9, 9, Field(axis, axis))

    assert field_of(layer(100), (224, 224)) and not field_of(layer(180), (224, 224))
    assert field_of(Layer("fc", "linear", 1, 1, 1, None), (224, 224)) is None
    assert crop_at(None, 0, 0, (20, 30)).box == Box(0, 0, 30, 20)
