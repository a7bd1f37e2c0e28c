"""Class activation maps: on paper, against the scores, against Grad-CAM."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.attributed import Headed, images, model_of
from helpers.untouched import untouched
from lamella.attribution.cam import cam, contributions, why_not
from lamella.attribution.gradcam import gradcam
from lamella.attribution.heads import head_of
from lamella.attribution.scores import chosen, scores
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ModelError
from lamella.network.model import Model

THREE = torch.tensor([[0, 3], [2, 2], [1, 0]])
CAFFE = Preprocessing(
    resize=12, size=12, channels="BGR", scale=255.0, mean=(103.9, 116.8, 123.7), std=(1, 1, 1)
)


def pooled(preprocessing: Preprocessing | None = None) -> Model:
    module = Headed(lambda net, x: net.fc(F.adaptive_avg_pool2d(x, 1).flatten(1)))
    return model_of(module, preprocessing=preprocessing) if preprocessing else model_of(module)


def convolved() -> Model:
    return model_of(Headed(lambda net, x: F.relu(net.point(x)).mean((2, 3))))


class Colours(nn.Module):
    """Its maps are the image's colours, and its weights are known."""

    def __init__(self, first: bool) -> None:
        super().__init__()
        self.see = nn.Conv2d(3, 3, 1)
        self.weigh = nn.Conv2d(3, 2, 1)
        self.see.weight.data, self.see.bias.data = torch.eye(3)[:, :, None, None], torch.zeros(3)
        self.weigh.weight.data = torch.tensor([[1.0, -2.0, 0.0], [0.0, 0.0, 3.0]])[..., None, None]
        self.weigh.bias.data = torch.tensor([-0.25, 7.0])
        self.first = first

    def forward(self, x: Tensor) -> Tensor:
        x = self.see(x).relu()
        if self.first:
            return self.weigh(F.adaptive_avg_pool2d(x, 1)).flatten(1)
        return self.weigh(x).relu().mean((2, 3))


PICTURE = torch.tensor(
    [[[[1.0, 0.5], [0.0, 1.0]], [[0.0, 0.5], [0.0, 0.25]], [[0.0, 1.0], [0.5, 0.0]]]]
)


def test_on_paper_behind_the_mean() -> None:
    """1 * red - 2 * green, and 3 * blue; the bias is left out."""
    model = model_of(Colours(first=True), side=2, seed=None)
    found = contributions(model, PICTURE, torch.tensor([[0, 1]]))
    assert found.tolist() == [[[[1.0, -0.5], [0.0, 0.5]], [[0.0, 3.0], [1.5, 0.0]]]]
    # The mean over four positions, and the bias.
    assert scores(model, PICTURE).tolist() == [[0.25 - 0.25, 1.125 + 7.0]]


def test_on_paper_before_the_mean() -> None:
    """The bias and the ReLU are in the map: 1 * red - 2 * green - 0.25, above zero."""
    model = model_of(Colours(first=False), side=2, seed=None)
    found = contributions(model, PICTURE, torch.tensor([[0, 1]]))
    assert found.tolist() == [[[[0.75, 0.0], [0.0, 0.25]], [[7.0, 10.0], [8.5, 7.0]]]]
    assert scores(model, PICTURE).tolist() == [[0.25, 8.125]]


@pytest.mark.parametrize("side", [12, 23])
def test_the_mean_over_positions_and_the_bias_are_the_score(side: int) -> None:
    shown = images(3, side)
    for model in (pooled(), pooled(CAFFE)):
        bias: Any = head_of(model).bias
        means = contributions(model, shown, THREE).mean((2, 3))
        torch.testing.assert_close(means + bias[THREE], chosen(scores(model, shown), THREE))
    model = convolved()
    means = contributions(model, shown, THREE).mean((2, 3))
    torch.testing.assert_close(means, chosen(scores(model, shown), THREE))


def test_it_is_grad_cam_before_the_relu_up_to_scale() -> None:
    model, shown = pooled(), images(3)
    maps = contributions(model, shown, THREE)
    positions = maps.shape[2] * maps.shape[3]
    assert bool((maps < 0).any()) and bool((maps > 0).any())
    weighted = gradcam(model, shown, THREE, own_grid=True)
    torch.testing.assert_close(weighted, maps.relu() / positions)


def test_a_position_is_at_the_middle_of_what_it_sees() -> None:
    """4 x 4 positions of 5 pixels, 2 apart, from pixel 0: their centres are 2.5, 4.5, ..."""
    model, shown = pooled(), images(1)
    own, maps = contributions(model, shown, THREE[:1]), cam(model, shown, THREE[:1])
    assert maps.shape == (1, 2, 56, 56) and maps.dtype == torch.float32
    assert head_of(model).field.rows.span(1, 12) == (2, 7)  # type: ignore[union-attr]
    # The grid's cell 20 is centred on pixel 20.5 * 12 / 56 = 4.39, cell 21 on 4.61.
    at = (20.5 * 12 / 56 - 2.5) / 2
    expected = torch.lerp(
        torch.lerp(own[0, 0, 0, 0], own[0, 0, 0, 1], at),
        torch.lerp(own[0, 0, 1, 0], own[0, 0, 1, 1], at),
        at,
    )
    torch.testing.assert_close(maps[0, 0, 20, 20], expected)
    torch.testing.assert_close(maps[0, 0, :5, :5], own[0, 0, 0, 0].expand(5, 5))


@pytest.mark.parametrize("make", [pooled, convolved])
def test_an_image_does_not_depend_on_its_batch(make: Any) -> None:
    model, shown = make(), images(3)
    together = cam(model, shown, THREE)
    for at in range(3):
        alone = cam(model, shown[at : at + 1], THREE[at : at + 1])
        torch.testing.assert_close(alone[0], together[at])
    torch.testing.assert_close(cam(model, shown, THREE, batch=2), together)


def test_the_network_is_as_it_was_and_inference_mode_does_not_matter() -> None:
    model = pooled()
    with untouched(model.module, images(2)):
        plain = cam(model, images(3), THREE)
    with torch.inference_mode():
        assert torch.equal(cam(pooled(), images(3), THREE), plain)


def test_bad_input() -> None:
    model = pooled()
    for wrong in (4, -1):
        with pytest.raises(ModelError, match=f"There is no class {wrong}") as error:
            cam(model, images(1), torch.tensor([[0, wrong]]))
        assert error.value.remedy == "The network has classes 0 to 3."
    other = model_of(Headed(lambda net, x: net.flat(x.flatten(1))))
    assert why_not(model) == ""
    assert "are flattened into 96 numbers" in why_not(other)
    with pytest.raises(ModelError, match="Not defined for this head"):
        cam(other, images(1), torch.tensor([[0]]))
