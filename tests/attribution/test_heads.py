"""The head of a network: every way to write one, and what is not one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from helpers.attributed import Headed, Transformer, images, model_of
from helpers.untouched import untouched
from lamella.attribution.heads import class_maps, defined_head, head_of
from lamella.attribution.scores import scores
from lamella.errors import ModelError

Way = Callable[[Headed, Tensor], Any]

POOLED: dict[str, Way] = {
    "adaptive": lambda net, x: net.fc(F.adaptive_avg_pool2d(x, 1).flatten(1)),
    "whole window": lambda net, x: net.fc(F.avg_pool2d(x, x.shape[2:]).squeeze()),
    "mean": lambda net, x: net.fc(x.mean((2, 3))),
    "mean twice": lambda net, x: net.fc(x.mean(3).mean(2)),
    "mean of a row": lambda net, x: net.fc(x.flatten(2).mean(-1)),
    "channels last": lambda net, x: net.fc(x.permute(0, 2, 3, 1).mean((1, 2))),
    "dropout": lambda net, x: net.fc(F.dropout(x.mean((2, 3)), training=net.training)),
    "convolution behind": lambda net, x: net.point(F.adaptive_avg_pool2d(x, 1)).flatten(1),
    "four axes": lambda net, x: net.point(F.adaptive_avg_pool2d(x, 1)),
    "index": lambda net, x: net.fc(F.adaptive_avg_pool2d(x, 1)[:, :, 0, 0]),
    "softmax": lambda net, x: F.softmax(net.fc(x.mean((2, 3))), 1),
    "sigmoid": lambda net, x: net.fc(x.mean((2, 3))).sigmoid(),
}
CONVOLVED: dict[str, Way] = {
    "plain": lambda net, x: net.point(x).mean((2, 3)),
    "relu": lambda net, x: F.adaptive_avg_pool2d(F.relu(net.point(x)), 1).flatten(1),
    "in place": lambda net, x: net.point(F.dropout(x, training=False)).relu_().mean((2, 3)),
    "linear": lambda net, x: net.fc(x.permute(0, 2, 3, 1)).mean((1, 2)),
    "log softmax": lambda net, x: net.point(x).mean((2, 3)).log_softmax(1),
}
LOGITS = {"softmax", "sigmoid", "log softmax"}
SEVERAL = [((name, "pool-linear"), way) for name, way in POOLED.items()]
SEVERAL += [((name, "conv-pool"), way) for name, way in CONVOLVED.items()]


def before_its_end(net: Headed, way: Way, x: Tensor) -> Tensor:
    """The class scores of a network that ends in probabilities."""
    kept: list[Tensor] = []
    hook = (net.point if way is CONVOLVED["log softmax"] else net.fc).register_forward_hook(
        lambda _, __, output: kept.append(output)
    )
    net(x)
    hook.remove()
    return kept[0].mean((2, 3)) if kept[0].dim() == 4 else kept[0]


@pytest.mark.parametrize(("named", "way"), SEVERAL, ids=[" ".join(name) for name, _ in SEVERAL])
def test_heads_however_they_are_written(named: tuple[str, str], way: Way) -> None:
    name, kind = named
    model = model_of(Headed(way))
    net: Any = model.module
    with untouched(net, images(2)):
        head = head_of(model)
        maps = class_maps(model, images(3))
    assert (head.kind, head.reason) == (kind, "")
    assert head.pool_first == (kind == "pool-linear")
    module = net.point if head.layer == "point" else net.fc
    assert head.weight is not None and head.bias is not None
    torch.testing.assert_close(head.weight, module.weight.flatten(1))
    torch.testing.assert_close(head.bias, module.bias)
    assert head.sources == tuple(("body", channel) for channel in range(6))
    assert head.activation == ("relu" if name in {"relu", "in place"} else "")
    wanted = before_its_end(net, way, images(3)) if name in LOGITS else net(images(3)).flatten(1)
    torch.testing.assert_close(maps.mean((2, 3)), wanted)
    assert maps.shape == (3, 4, 4, 4)


@pytest.mark.parametrize("way", [POOLED["adaptive"], CONVOLVED["relu"]])
def test_maps_of_classes_of_a_larger_image(way: Way) -> None:
    model = model_of(Headed(way))
    large = torch.rand(2, 3, 25, 31)
    maps = class_maps(model, large)
    assert maps.shape == (2, 4, 11, 14)
    torch.testing.assert_close(maps.mean((2, 3)), scores(model, large))


OTHERS: dict[str, tuple[Way, str]] = {
    "flattened": (
        lambda net, x: net.flat(x.flatten(1)),
        "the last maps, 6 channels of 4 x 4 positions, are flattened into 96 numbers",
    ),
    "several layers": (
        lambda net, x: net.second(F.relu(net.flat(x.flatten(1)))),
        "the last maps, 6 channels of 4 x 4 positions, are flattened into 96 numbers",
    ),
    "pooled to more": (
        lambda net, x: net.flat(F.adaptive_avg_pool2d(x, (8, 2)).flatten(1)),
        "the last maps, 6 channels of 8 x 2 positions, are flattened into 96 numbers",
    ),
    "layers behind": (
        lambda net, x: net.second(F.relu(net.fc(x.mean((2, 3))))),
        "another linear layer and an activation function (relu) stand between the mean",
    ),
    "norm": (
        lambda net, x: net.fc(net.norm(x.mean((2, 3)))),
        "a normalization (layer_norm) stands between the mean over positions and the scores",
    ),
    "maximum": (
        lambda net, x: net.fc(F.adaptive_max_pool2d(x, 1).flatten(1)),
        "the linear layer reads a maximum over positions",
    ),
    "amax": (lambda net, x: net.fc(x.amax((2, 3))), "a maximum over positions"),
    "wide": (
        lambda net, x: net.wide(x).mean((2, 3)),
        "the maps of classes come from a convolution of 3 x 3, not from a 1 x 1 convolution",
    ),
    "weighted": (
        lambda net, x: (x.mean((2, 3)) * 2) @ net.fc.weight.T,
        "the scores come from the operation 'matmul'",
    ),
    "a part": (
        lambda net, x: net.fc(F.avg_pool2d(x, 3).flatten(1)),
        "the mean over positions does not give the scores that the network gives",
    ),
    "shifted": (
        lambda net, x: net.fc(x[:, :, 1:, :].mean((2, 3))) + 1,
        "the scores come from the operation 'add'",
    ),
    "no classes": (lambda net, x: {"out": x}, "cannot be followed"),
    "the image": (lambda net, x: torch.zeros(len(x), 4), "cannot be followed"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_heads_say_why(name: str) -> None:
    way, reason = OTHERS[name]
    model = model_of(Headed(way))
    head = head_of(model)
    assert head.kind == "" and head.maps is None and head.weight is None
    assert head.reason.startswith("Not defined for this head: ") and head.reason.endswith(".")
    assert reason in head.reason
    with pytest.raises(ModelError) as error:
        class_maps(model, images(1))
    assert error.value.problem == head.reason


@pytest.mark.parametrize("extra", [0, 1])
def test_tokens_are_no_maps(extra: int) -> None:
    reason = head_of(model_of(Transformer(extra=extra))).reason
    assert ("read off tokens" if extra else "taken over tokens") in reason


def networks() -> dict[str, tuple[Callable[[], nn.Module], int, str]]:
    """torchvision's, each with its side and kind, or what is said."""
    from torchvision import models
    from torchvision.models.swin_transformer import SwinTransformer

    classes = {"num_classes": 7}
    return {
        "resnet18": (lambda: models.resnet18(**classes), 64, "pool-linear"),
        "squeezenet1_1": (lambda: models.squeezenet1_1(**classes), 64, "conv-pool"),
        "mobilenet_v2": (lambda: models.mobilenet_v2(**classes), 64, "pool-linear"),
        "mobilenet_v3": (lambda: models.mobilenet_v3_small(**classes), 64, "hardswish"),
        "densenet": (lambda: models.DenseNet(4, (2, 2), 8, **classes), 64, "pool-linear"),
        "shufflenet": (lambda: models.shufflenet_v2_x0_5(**classes), 64, "pool-linear"),
        "vgg11": (lambda: models.vgg11(init_weights=False, **classes), 64, "25,088 numbers"),
        "vit": (lambda: models.VisionTransformer(32, 8, 3, 2, 12, 24, **classes), 32, "tokens"),
        "swin": (
            lambda: SwinTransformer([4, 4], 8, [2, 2], [2, 2], [4, 4], **classes),
            32,
            "pool-linear",
        ),
        "convnext": (
            lambda: models.ConvNeXt([models.convnext.CNBlockConfig(8, None, 2)], **classes),
            32,
            "a normalization (layer_norm) stands",
        ),
    }


@pytest.mark.parametrize("name", networks())
def test_heads_of_torchvision(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, side, expected = networks()[name]
    if name == "vgg11":  # half a gigabyte whose values nobody reads
        monkeypatch.setattr(nn.Linear, "reset_parameters", lambda self: None)
        model = model_of(make(), side, seed=None)
    else:
        torch.manual_seed(0)
        model = model_of(make(), side)
    head = head_of(model)
    if expected not in {"pool-linear", "conv-pool"}:
        assert expected in head.reason
        return
    assert (head.kind, head.reason) == (expected, "")
    size = side + 32 if name != "swin" else side
    maps = class_maps(model, images(2, size))
    found = scores(model, images(2, size))
    torch.testing.assert_close(maps.mean((2, 3)), found, rtol=1e-4, atol=1e-4)
    assert float(found.abs().max()) > 1e-3


def test_whose_channels_a_head_weighs() -> None:
    from torchvision.models import resnet18, squeezenet1_1

    torch.manual_seed(0)
    head = head_of(model_of(squeezenet1_1(), 64, seed=None))
    assert head.layer == "classifier.1" and head.activation == "relu"
    assert head.sources == tuple(
        (f"features.12.expand{kernel}", channel)
        for kernel in ("1x1", "3x3")
        for channel in range(256)
    )
    head = head_of(model_of(resnet18(), 64, seed=None))
    assert head.sources == tuple(("layer4.1.conv2", channel) for channel in range(512))
    assert head.field is not None and head.field.rows.stride == 32


def test_what_is_not_known_of_the_sources_is_none() -> None:
    rolled = model_of(Headed(lambda net, x: net.fc(x.roll(1, 1).mean((2, 3)))))
    assert head_of(rolled).kind == "pool-linear"
    assert head_of(rolled).sources == (("body", 5), *(("body", at) for at in range(5)))
    running = model_of(Headed(lambda net, x: net.fc(x.cumsum(1).mean((2, 3)))))
    assert head_of(running).kind == "pool-linear" and head_of(running).sources == (None,) * 6


def test_other_weights_have_another_head() -> None:
    model = model_of(Headed(POOLED["adaptive"]))
    first = defined_head(model)
    assert defined_head(model) is first, "found once"
    other: Any = model_of(Headed(POOLED["adaptive"]), seed=3).module
    second = defined_head(replace(model, module=other))
    assert second.weight is not None and torch.equal(second.weight, other.fc.weight)
    assert first.weight is not None and not torch.equal(first.weight, second.weight)


def test_a_head_found_in_inference_mode_serves_gradients_too() -> None:
    model = model_of(Headed(POOLED["adaptive"]))
    with torch.inference_mode():
        head = head_of(model)
    leaf = images(1).requires_grad_()
    assert head.weight is not None
    class_maps(model, leaf).sum().backward()
    assert leaf.grad is not None and bool(leaf.grad.any())
