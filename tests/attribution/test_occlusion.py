"""Occlusion against captum, against a loop, and on a network whose answer is known."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from lamella.attribution.occlusion import (
    NOTHING,
    covered,
    edges_of,
    grid,
    mean_colour,
    occlusion,
    under_masks,
)
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ModelError
from lamella.network.description import Network
from lamella.network.model import Model
from lamella.network.units import Box

CAFFE = Preprocessing(
    resize=24, size=24, channels="BGR", scale=255.0, mean=(103.9, 116.8, 123.7), std=(1, 1, 1)
)
PLAIN = Preprocessing(resize=24, size=24)


def model_of(module: nn.Module, preprocessing: Preprocessing = PLAIN) -> Model:
    facts: Any = Network("a", "", "", "", 0, (24, 24), {}, ())
    module.eval().requires_grad_(False)
    return Model(module, preprocessing, {}, facts, torch.device("cpu"))


def small(classes: int = 5, gain: float = 1.0) -> nn.Module:
    torch.manual_seed(3)
    head = nn.Linear(6, classes)
    nn.init.normal_(head.weight, std=gain)
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head
    )


def images(number: int, height: int = 24, width: int = 24) -> Tensor:
    return torch.rand(number, 3, height, width, generator=torch.Generator().manual_seed(1))


# The grid


@given(st.integers(1, 80), st.integers(1, 80), st.integers(1, 80), st.integers(1, 80))
def test_masks_cover_every_pixel_and_lie_around_their_cells(height, width, patch, stride):
    if patch > min(height, width) or stride > patch:
        with pytest.raises(ModelError):
            grid((height, width), patch, stride)
        return
    masks = grid((height, width), patch, stride)
    assert len(masks.boxes) == masks.rows * masks.columns
    assert (masks.rows, masks.columns) == (-(-height // stride), -(-width // stride))
    seen = np.zeros((height, width), int)
    for at, box in enumerate(masks.boxes):
        row, column = divmod(at, masks.columns)
        assert box.left >= 0 and box.top >= 0 and 0 < box.width <= patch
        assert box.left + box.width <= width and box.top + box.height <= height
        for first, length, extent, cell, cells in (
            (box.top, box.height, height, row, masks.rows),
            (box.left, box.width, width, column, masks.columns),
        ):
            middle = (cell + 0.5) * extent / cells
            if first > 0 and first + length < extent:  # not cut off by the border
                assert length == patch and abs(first + length / 2 - middle) <= 0.5
            assert first <= middle <= first + length
        seen[box.top : box.top + box.height, box.left : box.left + box.width] += 1
    assert seen.min() >= 1
    # The same from the left as from the right, up to the rounding of halves.
    last = masks.boxes[masks.columns - 1]
    assert abs((width - last.left - last.width) - masks.boxes[0].left) <= 1


def test_a_cell_stands_for_its_own_pixels_where_the_image_is_a_multiple():
    masks = grid((32, 48), 16, 8)
    assert (masks.rows, masks.columns) == (4, 6)
    assert masks.boxes[7] == Box(4, 4, 16, 16)  # cell (1, 1): pixels 8 to 16
    assert masks.boxes[0] == Box(0, 0, 12, 12)
    alone = grid((32, 32), 8, 8)
    assert alone.boxes[5] == Box(8, 8, 8, 8)


@pytest.mark.parametrize(("patch", "stride"), [(25, 4), (0, 1), (8, 0), (8, 9)])
def test_a_patch_that_does_not_fit_is_told_with_its_remedy(patch, stride):
    with pytest.raises(ModelError) as caught:
        occlusion(model_of(small()), images(1), torch.tensor([[0]]), patch, stride)
    assert str(patch) in caught.value.problem and "Choose" in caught.value.remedy


# The masks


@pytest.mark.parametrize("preprocessing", [PLAIN, CAFFE])
def test_the_networks_input_is_zero_under_a_mask(preprocessing):
    model = model_of(small(), preprocessing)
    shown = images(2)
    edges = edges_of([Box(3, 5, 6, 7), NOTHING])
    under = covered(shown, edges, mean_colour(model))
    inputs, plain = model.normalise(under), model.normalise(shown)
    scale = float(plain.abs().max())
    assert inputs[0, :, 5:12, 3:9].abs().max() < 1e-5 * scale
    inside = torch.zeros(24, 24, dtype=torch.bool)
    inside[5:12, 3:9] = True
    assert torch.equal(inputs[0][:, ~inside], plain[0][:, ~inside])
    assert torch.equal(inputs[1], plain[1])


@dataclass
class Reader:
    """Counts what it is shown."""

    shapes: list[tuple[int, ...]]

    def __call__(self, shown: Tensor, numbers: Tensor) -> Tensor:
        self.shapes.append(tuple(shown.shape))
        return torch.stack([shown.sum((1, 2, 3)), numbers.float()], 1)


@pytest.mark.parametrize("batch", [1, 4, 7, 100])
def test_all_batches_are_of_one_size_and_results_in_order(batch):
    reader = Reader([])
    shown = images(3)
    boxes = [Box(0, 0, 24, 24), NOTHING, Box(2, 2, 3, 3), Box(10, 0, 14, 1)]
    model = model_of(small())
    found = under_masks(model, shown, boxes, reader, batch)
    assert found.shape == (3, 4, 2)
    assert set(reader.shapes) == {(batch, 3, 24, 24)} and len(reader.shapes) == -(-12 // batch)
    colour = mean_colour(model)
    for number in range(3):
        for at, box in enumerate(boxes):
            alone = shown[number].clone()
            rows = slice(box.top, box.top + box.height)
            alone[:, rows, box.left : box.left + box.width] = colour[:, None, None]
            assert found[number, at, 0] == pytest.approx(float(alone.sum()), rel=1e-5)
            assert found[number, at, 1] == number


# The probabilities


@pytest.mark.parametrize("preprocessing", [PLAIN, CAFFE])
@pytest.mark.parametrize(("patch", "stride"), [(8, 8), (9, 5), (24, 24), (3, 3)])
def test_against_a_loop_over_images_classes_and_masks(preprocessing, patch, stride):
    gain = 0.05 if preprocessing is CAFFE else 5.0
    model = model_of(small(gain=gain), preprocessing)
    shown, classes = images(2, 24, 30), torch.tensor([[4, 0, 2], [1, 1, 3]])
    found = occlusion(model, shown, classes, patch, stride, batch=5)
    rows, columns = -(-24 // stride), -(-30 // stride)
    assert found.before.shape == (2, 3) and found.under.shape == (2, 3, rows, columns)
    masks = grid((24, 30), patch, stride)
    inputs = model.normalise(shown)
    for image in range(2):
        plain = model.module(inputs[image : image + 1]).softmax(1)[0]
        torch.testing.assert_close(found.before[image], plain[classes[image]])
        for at, box in enumerate(masks.boxes):
            cut = inputs[image : image + 1].clone()
            cut[:, :, box.top : box.top + box.height, box.left : box.left + box.width] = 0
            expected = model.module(cut).softmax(1)[0, classes[image]]
            row, column = divmod(at, columns)
            torch.testing.assert_close(
                found.under[image, :, row, column], expected, atol=1e-5, rtol=1e-4
            )
    assert float((found.before[..., None, None] - found.under).abs().max()) > 1e-3


@pytest.mark.parametrize("side", [4, 6, 12])
def test_captum_agrees_where_windows_do_not_overlap(side):
    model = model_of(small(gain=3.0))
    shown, classes = images(3), torch.tensor([[1], [4], [0]])
    found = occlusion(model, shown, classes, side, side)
    lost = (found.before[..., None, None] - found.under)[:, 0]
    inputs = model.normalise(shown)
    peer = Occlusion(lambda given: model.module(given).softmax(1)).attribute(
        inputs,
        sliding_window_shapes=(3, side, side),
        strides=(3, side, side),
        baselines=0,
        target=classes[:, 0],
    )
    fine = lost.repeat_interleave(side, 1).repeat_interleave(side, 2)
    torch.testing.assert_close(fine, peer[:, 0].float(), atol=1e-6, rtol=1e-4)
    assert float(fine.abs().max()) > 1e-3


class OnePlace(nn.Module):
    """Its first output is the brightness of four pixels."""

    def forward(self, given: Tensor) -> Tensor:
        bright = given[:, :, 10:12, 16:18].sum((1, 2, 3))
        return torch.stack([bright, torch.zeros_like(bright)], 1)


def test_only_the_place_that_counts_loses():
    model = model_of(OnePlace(), Preprocessing(size=24, resize=24, mean=(0, 0, 0), std=(1, 1, 1)))
    found = occlusion(model, torch.ones(1, 3, 24, 24), torch.tensor([[0, 1]]), 4, 4)
    lost = found.before[..., None, None] - found.under
    assert (lost[0, 0] > 0).nonzero().tolist() == [[2, 4]]
    torch.testing.assert_close(lost[0, 0], -lost[0, 1])  # what one loses the other gains
    assert found.before[0, 0] == pytest.approx(1 / (1 + np.exp(-12.0)))
    assert found.under[0, 0, 2, 4] == pytest.approx(0.5)


def test_an_image_says_the_same_whatever_stands_beside_it():
    model = model_of(small(gain=3.0))
    shown, classes = images(3), torch.tensor([[0, 1], [2, 3], [4, 0]])
    together = occlusion(model, shown, classes, 8, 6)
    alone = occlusion(model, shown[1:2], classes[1:2], 8, 6)
    torch.testing.assert_close(together.under[1:2], alone.under, atol=1e-6, rtol=1e-5)


def test_the_network_is_left_as_it_was():
    module = small()
    model = model_of(module)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    occlusion(model, images(2), torch.tensor([[0], [1]]), 8, 8)
    assert not module.training and not any(one._forward_hooks for one in module.modules())
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_there_is_no_such_class():
    with pytest.raises(ModelError, match="no class 5"):
        occlusion(model_of(small()), images(1), torch.tensor([[5]]), 8, 8)
