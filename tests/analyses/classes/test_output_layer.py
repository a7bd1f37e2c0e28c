"""The output layer's weights: heads known on paper."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from helpers.attributed import Headed, images, model_of
from helpers.untouched import untouched
from lamella.analyses.classes.contributions import largest_classes, largest_inputs
from lamella.analyses.classes.output_layer import (
    OutputWeights,
    output_layer_of,
    output_weights,
    score_terms,
)
from lamella.attribution.heads import head_of
from lamella.attribution.scores import scores
from lamella.network.units import Unit

HEADS: dict[str, tuple[Any, str]] = {
    "linear": (lambda net, x: net.fc(x.mean((2, 3))), "fc"),
    "pooled later": (lambda net, x: net.point(x).mean((2, 3)), "point"),
    "rectified": (lambda net, x: net.point(x).relu().mean((2, 3)), "point"),
    "flattened": (lambda net, x: net.flat(x.flatten(1)), "flat"),
    "two": (lambda net, x: net.second(net.fc(x.mean((2, 3))).relu()), "second"),
    "probabilities": (lambda net, x: net.fc(x.mean((2, 3))).softmax(1), "fc"),
    "normalised": (lambda net, x: net.fc(net.norm(x.mean((2, 3)))), "fc"),
    "tokens": (lambda net, x: net.fc(x.flatten(2).transpose(1, 2)).mean(1), "fc"),
}


@pytest.mark.parametrize("kind", HEADS)
def test_contributions_add_up_to_the_score(kind: str) -> None:
    head, layer = HEADS[kind]
    model, shown = model_of(Headed(head)), images(5)
    shares = []
    with untouched(model.module, shown):
        assert output_layer_of(model) == layer
        found = output_weights(model, layer)
        assert isinstance(found, OutputWeights) and found.rectified == (kind == "rectified")
        for output in range(4):
            with torch.no_grad():
                score, read, share = score_terms(model, found, shown, output)
                wanted = scores(model, shown)
            if kind == "probabilities":
                logits = torch.stack([score_terms(model, found, shown, c)[0] for c in range(4)], 1)
                assert torch.allclose(logits.softmax(1), wanted, atol=1e-6)
            else:
                assert torch.equal(score, wanted[:, output])
            own = read.double().numpy() * found.weight[output]
            total = own.sum(1) + found.bias[output] * share.numpy()
            assert total == pytest.approx(score.numpy(), abs=1e-5)
            shares.append(float(share.mean()))
    # Where positions are cut off, some class must be above zero at some of them alone.
    assert any(0 < share < 1 for share in shares) == (kind == "rectified")


def test_the_weights_are_those_of_the_head_that_cam_knows() -> None:
    for kind in ("linear", "pooled later", "rectified"):
        head, layer = HEADS[kind]
        model = model_of(Headed(head))
        linear, found = head_of(model), output_weights(model, layer)
        assert isinstance(found, OutputWeights)
        assert linear.weight is not None and linear.bias is not None
        assert np.array_equal(found.weight, linear.weight.numpy())
        assert np.array_equal(found.bias, linear.bias.numpy())
        assert [each[-1] for each in found.units(model)] == [Unit(*one) for one in linear.sources]  # type: ignore[misc]


def test_on_paper() -> None:
    """Two classes; the maps are the image's red and green."""
    net = nn.Sequential(
        nn.Conv2d(3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2)
    )
    net[0].weight.data = torch.eye(3)[:2, :, None, None]
    net[0].bias.data = torch.zeros(2)
    net[4].weight.data = torch.tensor([[2.0, -1.0], [0.0, 4.0]])
    net[4].bias.data = torch.tensor([0.5, -1.0])
    model = model_of(net, side=2, seed=None)
    found = output_weights(model, "4")
    assert isinstance(found, OutputWeights)
    shown = torch.zeros(1, 3, 2, 2)
    shown[0, 0], shown[0, 1] = (
        torch.tensor([[1.0, 0.5], [0.5, 0.0]]),
        torch.tensor([[0.0, 0.0], [0.0, 1.0]]),
    )
    score, read, share = score_terms(model, found, shown, 0)
    assert read.tolist() == [[0.5, 0.25]] and score.tolist() == [1.25] and share.tolist() == [1]
    places = largest_inputs(found.weight[0], read[0].numpy(), 2)
    assert places.tolist() == [[0, -1], [1, -1], [0, -1], [1, -1]]
    assert found.units(model) == ((Unit("0", 0),), (Unit("0", 1),))
    assert largest_classes(found.weight, 1) == (((0, 2.0),), ((1, 4.0),))
    assert largest_classes(found.weight, -1) == ((), ((0, -1.0),))


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (lambda net, x: net.fc(x.mean((2, 3))) * 2, "No layer of this network is the list"),
        (lambda net, x: net.wide(x).mean((2, 3)), "kernels weigh each position differently"),
    ],
)
def test_without_a_linear_head_there_is_a_plain_sentence(head: Any, said: str) -> None:
    model = model_of(Headed(head))
    found = output_weights(model, output_layer_of(model))
    assert isinstance(found, str) and said in found
