"""Gradients and integrated gradients against finite differences, captum and slow loops."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import (
    GuidedBackprop,
    IntegratedGradients,
    Saliency,
)
from torch import Tensor, nn

from helpers.attributed import images, model_of, rectified
from helpers.untouched import untouched
from lamella.attribution.gradients import gradients_of, guided, saliency
from lamella.attribution.integrated import completeness, integrated, plain
from lamella.attribution.scores import scores
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ModelError
from lamella.network.model import Model

SIDE = 12
PLAIN = Preprocessing(resize=SIDE, size=SIDE)
CAFFE = Preprocessing(
    resize=SIDE, size=SIDE, channels="BGR", scale=255.0, mean=(103.9, 116.8, 123.7), std=(1, 1, 1)
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make a busy machine slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def smooth() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.Softplus(), nn.Conv2d(4, 6, 3), nn.Tanh(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4),
    )  # fmt: skip


def linear() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 4))


THREE = torch.tensor([[0, 3], [2, 2], [1, 0]])
Method = Callable[[Model, Tensor, Tensor], Tensor]
METHODS: dict[str, Method] = {
    "saliency": saliency,
    "guided": guided,
    "integrated": lambda model, shown, classes: integrated(model, shown, classes, 6),
}
every = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


class Whole(nn.Module):
    """From shown pixels to scores, as a module: captum looks for those."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model, self.module = model, model.module

    def forward(self, shown: Tensor) -> Tensor:
        return scores(self.model, shown)


def quietly(attribute: Callable[..., Tensor], shown: Tensor, **how: Any) -> Tensor:
    """captum, which warns of the hooks that it sets and of images without a gradient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return attribute(shown.clone(), **how).detach()


# Against the truth


@pytest.mark.parametrize("preprocessing", [PLAIN, CAFFE])
def test_the_gradient_is_what_finite_differences_say(preprocessing: Preprocessing) -> None:
    model = model_of(smooth(), preprocessing=preprocessing)
    model.module.double()
    if preprocessing is CAFFE:  # whose inputs are so large that the network would be flat
        model.module[0].weight.data /= 100
    shown, step = images(1).double(), 1e-6
    found = gradients_of(lambda leaf: scores(model, leaf), shown)
    assert found.shape == (1, 4, 3, SIDE, SIDE)
    moves = torch.eye(shown.numel(), dtype=torch.float64).view(-1, *shown.shape[1:]) * step
    with torch.no_grad():
        rise = scores(model, shown + moves) - scores(model, shown - moves)
    expected = (rise / (2 * step)).T.view(found.shape)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
    maps = saliency(model, shown, torch.tensor([[2, 0]]))
    assert maps.dtype == torch.float32
    torch.testing.assert_close(maps, expected[:, [2, 0]].abs().amax(2).float())


@pytest.mark.parametrize("preprocessing", [PLAIN, CAFFE])
def test_captum_agrees(preprocessing: Preprocessing) -> None:
    model, shown = model_of(rectified(), preprocessing=preprocessing), images(3)

    for ours, theirs in ((saliency, Saliency), (guided, GuidedBackprop)):
        found = ours(model, shown, THREE)
        assert found.shape == (3, 2, SIDE, SIDE) and found.dtype == torch.float32
        for at in range(2):
            expected = quietly(theirs(Whole(model)).attribute, shown, target=THREE[:, at])
            torch.testing.assert_close(found[:, at], expected.abs().amax(1))
    assert not torch.allclose(saliency(model, shown, THREE), guided(model, shown, THREE))


# Integrated gradients


def slow_integral(model: Model, image: Tensor, label: int, steps: int) -> Tensor:
    """One image, one class, one step after the other."""
    start = torch.tensor(model.preprocessing.mean) / model.preprocessing.scale
    if model.preprocessing.channels == "BGR":
        start = start.flip(0)
    start = start[:, None, None]
    mean = torch.zeros_like(image)
    for place, weight in zip(*np.polynomial.legendre.leggauss(steps), strict=True):
        point = (start + (place + 1) / 2 * (image - start)).float()[None].requires_grad_()
        scores(model, point)[0, label].backward()
        mean += weight / 2 * point.grad[0]
    return (mean * (image - start)).sum(0)


@pytest.mark.parametrize("preprocessing", [PLAIN, CAFFE])
@pytest.mark.parametrize("batch", [None, 1, 4, 12, 100])
def test_integrated_gradients_against_a_loop(
    preprocessing: Preprocessing, batch: int | None
) -> None:
    model, shown, steps = model_of(rectified(), preprocessing=preprocessing), images(3), 6
    found = integrated(model, shown, THREE, steps, batch=batch)
    assert found.shape == (3, 2, SIDE, SIDE) and found.dtype == torch.float32
    expected = torch.stack(
        [
            torch.stack([slow_integral(model, shown[at], int(label), steps) for label in THREE[at]])
            for at in range(3)
        ]
    )
    assert (expected < 0).any() and (expected > 0).any()
    scale = float(expected.abs().max())
    torch.testing.assert_close(found / scale, expected / scale, rtol=1e-4, atol=1e-5)


def test_integrated_gradients_against_captum() -> None:
    model, shown = model_of(rectified()), images(3)
    found = integrated(model, shown, THREE, 9)
    method = IntegratedGradients(lambda given: scores(model, given))
    start = plain(model, shown)
    assert model.normalise(start).abs().max() < 1e-6
    for at in range(2):
        expected = quietly(method.attribute, shown, baselines=start, target=THREE[:, at], n_steps=9)
        torch.testing.assert_close(found[:, at], expected.sum(1))


def test_a_linear_network_is_divided_exactly_by_one_step() -> None:
    model, shown = model_of(linear()), images(2)
    classes = torch.tensor([[1, 3], [0, 2]])
    found = integrated(model, shown, classes, 1)
    weight = model.module[1].weight.view(4, 3, SIDE, SIDE)[classes]
    torch.testing.assert_close(found, (weight * model.normalise(shown)[:, None]).sum(2))


def test_maps_add_up_to_the_difference_of_scores() -> None:
    model, shown = model_of(smooth()), images(3)
    gaps = []
    for steps in (1, 3, 30):
        maps = integrated(model, shown, THREE, steps)
        found = completeness(model, shown, THREE, maps, batch=2)
        torch.testing.assert_close(found.gap, found.sum - found.difference)
        torch.testing.assert_close(found.sum, maps.sum((2, 3)))
        gaps.append(float(found.gap.abs().max()))
    with torch.no_grad():
        inputs = model.normalise(shown)
        expected = model.module(inputs) - model.module(torch.zeros_like(inputs))
    torch.testing.assert_close(found.difference, expected.gather(1, THREE))
    assert gaps[0] > 4 * gaps[1] and gaps[1] > gaps[2] and gaps[2] < 1e-5, gaps


# Promises that all methods keep


@every
def test_the_network_is_left_as_it_was(method: Method) -> None:
    network = rectified()
    model, shown = model_of(network), images(3)
    network[1].train()  # modes and what is frozen may differ from part to part
    network[5].train()
    network[2].weight.requires_grad_()
    network[3].register_forward_hook(lambda *_: None)
    with untouched(network, shown):
        maps = method(model, shown, THREE)
    assert not maps.requires_grad


@every
def test_a_batch_is_its_images_and_classes_one_by_one(method: Method) -> None:
    model, shown = model_of(rectified()), images(3)
    together = method(model, shown, THREE)
    for at in range(3):
        for which in range(2):
            one = method(model, shown[at : at + 1], THREE[at : at + 1, which : which + 1])
            torch.testing.assert_close(together[at, which], one[0, 0])


@every
def test_whatever_the_caller_has_switched_off(method: Method) -> None:
    model, shown = model_of(rectified()), images(2)
    expected = method(model, shown, THREE[:2])
    with torch.no_grad():
        torch.testing.assert_close(method(model, shown, THREE[:2]), expected)
    with torch.inference_mode():
        copied = (shown + 0, THREE[:2] + 0)
        assert copied[0].is_inference() and copied[1].is_inference()
        fresh = replace(model)  # its constants are made here
        torch.testing.assert_close(method(fresh, *copied), expected)
        torch.testing.assert_close(completeness(model, *copied, expected).sum, expected.sum((2, 3)))


@every
def test_a_head_of_1_by_1_maps(method: Method) -> None:
    """SqueezeNet's scores are maps until the end; some networks hand them out as such."""
    flat = rectified()
    maps = nn.Sequential(*list(flat.children())[:5], nn.Conv2d(8, 5, 1))
    model, shown = model_of(flat), images(3)
    maps[5].weight.data, maps[5].bias.data = (
        flat[6].weight.data[:, :, None, None],
        flat[6].bias.data,
    )
    other = replace(model, module=maps.requires_grad_(False).eval())
    assert other.module(shown).shape == (3, 5, 1, 1)
    torch.testing.assert_close(method(other, shown, THREE), method(model, shown, THREE))


@every
@pytest.mark.parametrize("wrong", [-1, 5])
def test_a_class_outside_is_told(method: Method, wrong: int) -> None:
    model = model_of(rectified())
    with pytest.raises(ModelError) as caught:
        method(model, images(2), torch.tensor([[0], [wrong]]))
    assert str(wrong) in caught.value.problem and "0 to 4" in caught.value.remedy


class Counting(nn.Module):
    """Notes how many images each pass is given."""

    def __init__(self, inner: nn.Module, cut: Callable[[Tensor], Tensor] = lambda x: x) -> None:
        super().__init__()
        self.inner, self.cut = inner, cut
        self.passes: list[int] = []

    def forward(self, given: Tensor) -> Tensor:
        self.passes.append(len(given))
        return self.cut(self.inner(given))


@every
def test_a_network_that_lets_no_gradient_back_is_told(method: Method) -> None:
    model = model_of(Counting(rectified(), lambda x: x.detach()))
    with pytest.raises(ModelError, match="No gradient") as caught:
        method(model, images(1), torch.tensor([[0]]))
    assert "no_grad" in caught.value.remedy


def test_classes_share_passes_and_graphs_are_bounded() -> None:
    model, shown = model_of(Counting(rectified())), images(5)
    classes = torch.tensor([[0, 1, 2]]).expand(5, -1)
    seen = model.module.passes
    for method in (saliency, guided):
        seen.clear()
        method(model, shown, classes, batch=2)
        assert seen == [2, 2, 1]
    seen.clear()
    integrated(model, shown, classes, 6, batch=4)
    assert seen == [4, 2] * 5
    seen.clear()
    integrated(model, shown, classes, 6, batch=15)  # two images side by side
    assert seen == [12, 12, 6]
