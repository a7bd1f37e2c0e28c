"""Guided gradients are captum's, whatever of the image runs."""

import warnings

import numpy as np
import pytest
import torch
from captum.attr import NeuronGuidedBackprop
from torch import nn

from lamella.analyses.unit_attribution.crops import crop_at
from lamella.analyses.unit_attribution.guided import guided_gradients
from lamella.config.preprocessing import Preprocessing
from lamella.network.activations import cut
from lamella.network.description import Network
from lamella.network.model import Model
from lamella.network.trace import trace

SIZE = (48, 56)


class Pixels:
    """Images that are not files."""

    dtype = np.dtype(np.uint8)

    def __init__(self, number: int, height: int, width: int) -> None:
        random = np.random.default_rng(4)
        self.all = random.integers(0, 256, (number, height, width, 3), dtype=np.uint8)

    def values(self, number: int) -> np.ndarray:
        return self.all[number]


def model_of(network: nn.Module, size: tuple[int, int] = SIZE) -> Model:
    network.eval().requires_grad_(False)
    traced = {one.layer.name: one for one in trace(network, size)}
    facts = Network("a", "", "", "", 0, size, {}, tuple(one.layer for one in traced.values()))
    plain = Preprocessing(size=48, resize=48, mean=(0, 0, 0), std=(1, 1, 1))
    return Model(network, plain, traced, facts, torch.device("cpu"))


def _strongest(model: Model, images: Pixels, layer: str, image: int, row: int, column: int) -> int:
    """The unit that says most at a place."""
    see = cut(model.module, model.traced[layer].observed)
    return int(
        see(model.normalise(model.shown(images.values(image)[None])))[0, :, row, column].argmax()
    )


@pytest.mark.parametrize("crops", [False, True])
def test_guided_gradients_are_captums(crops):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(6, 6, 3, padding=1),
        nn.ReLU(),
    )
    model, images = model_of(network), Pixels(3, *SIZE)
    layer = model.traced["3"].layer
    last = (layer.height - 1, layer.width - 1)
    wanted = [
        (_strongest(model, images, "3", image, *at), image, *at)
        for image, at in ((0, (2, 3)), (1, (0, 0)), (2, last), (1, (5, 6)))
    ]
    field = layer.field if crops else None
    asked = [(channel, image, crop_at(field, *at, SIZE)) for channel, image, *at in wanted]
    found = guided_gradients(model, images, "3", asked, most=3)
    # captum hooks the user's modules: a copy of the network takes that.
    peer = NeuronGuidedBackprop(network, network[4])
    seen = 0
    for gradient, (channel, image, row, column), (_, _, part) in zip(
        found, wanted, asked, strict=True
    ):
        shown = model.shown(images.values(image)[None]).requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it sets hooks
            whole = peer.attribute(shown, neuron_selector=(channel, row, column))[0]
        box = part.box
        inside = whole[:, box.top : box.top + box.height, box.left : box.left + box.width]
        np.testing.assert_allclose(gradient, inside.detach(), atol=1e-6)
        rest = whole.detach().clone()
        rest[:, box.top : box.top + box.height, box.left : box.left + box.width] = 0
        assert not rest.any()
        seen += bool(inside.any())
    assert seen == len(wanted)
