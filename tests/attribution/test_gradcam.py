"""Grad-CAM: on paper, against captum, against slow loops, and of transformers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from helpers.attributed import Headed, Transformer, images, model_of
from helpers.untouched import untouched
from lamella.attribution.gradcam import divided, gradcam, why_not
from lamella.attribution.target_layers import layer_maps, spatial_layers
from lamella.errors import ModelError, UnknownLayer
from lamella.network.model import Model

THREE = torch.tensor([[0, 3], [2, 2], [1, 0]])
own_grid = partial(gradcam, own_grid=True)


class Colours(nn.Module):
    """Its maps are the image's colours; each position has a weight of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.see = nn.Conv2d(3, 3, 1)
        self.weigh = nn.Linear(12, 2)
        self.see.weight.data, self.see.bias.data = torch.eye(3)[:, :, None, None], torch.zeros(3)
        red, green = [1.0, 2.0, 3.0, 2.0], [-3.0, -3.0, -6.0, 0.0]  # means 2 and -3
        blue = [1.0, 0.0, 1.0, 0.0]  # mean 0.5
        self.weigh.weight.data = torch.tensor([red + green + [0.0] * 4, [0.0] * 8 + blue])

    def forward(self, x: Tensor) -> Tensor:
        return self.weigh(self.see(x).relu().flatten(1))


PICTURE = torch.tensor(
    [[[[1.0, 0.5], [0.0, 1.0]], [[0.0, 0.5], [0.5, 0.25]], [[0.0, 1.0], [0.5, 0.0]]]]
)


def test_on_paper() -> None:
    """ReLU(2 * red - 3 * green), and 0.5 * blue; inside the sum the green takes nothing away."""
    model, both = model_of(Colours(), side=2, seed=None), torch.tensor([[0, 1]])
    outside = own_grid(model, PICTURE, both)
    assert outside.tolist() == [[[[2.0, 0.0], [0.0, 1.25]], [[0.0, 0.5], [0.25, 0.0]]]]
    inside = own_grid(model, PICTURE, both, inside=True)
    assert inside.tolist() == [[[[2.0, 1.0], [0.0, 2.0]], [[0.0, 0.5], [0.25, 0.0]]]]
    shares, maxima = divided(outside)
    assert maxima.tolist() == [[2.0, 0.5]]
    assert shares.tolist() == [[[[1.0, 0.0], [0.0, 0.625]], [[0.0, 1.0], [0.5, 0.0]]]]


def by_captum(module: nn.Module, layer: str, shown: Tensor, **how: Any) -> Tensor:
    """captum's, one class after the other, (image, class, row, column)."""
    explainer = LayerGradCam(module, module.get_submodule(layer))
    found = [
        explainer.attribute(shown, target=THREE[:, at], relu_attributions=True, **how)
        for at in range(THREE.shape[1])
    ]
    return torch.cat(found, 1).detach()


HEADS: dict[str, Callable[[Headed, Tensor], Tensor]] = {
    "linear": lambda net, x: net.fc(net.last(x).mean((2, 3))),
    "flattened": lambda net, x: net.flat(net.last(x).flatten(1)),
    "deep": lambda net, x: net.second(torch.tanh(net.flat(net.last(x).flatten(1)))),
    "pooled by maxima": lambda net, x: net.fc(F.max_pool2d(net.last(x), 4).flatten(1)),
    "convolved": lambda net, x: F.relu(net.point(net.last(x))).mean((2, 3)),
}


def headed(name: str) -> Model:
    module = Headed(HEADS[name])
    module.last = nn.Tanh()  # a module to put captum's hook on: its result is the last maps
    return model_of(module)


@pytest.mark.parametrize("name", HEADS)
def test_against_captum(name: str) -> None:
    model = headed(name)
    found = own_grid(model, images(3), THREE)
    torch.testing.assert_close(found, by_captum(model.module, "last", images(3)))
    assert bool((found > 0).any()) and bool((found == 0).any())


@pytest.mark.parametrize("name", ["linear", "convolved"])
def test_other_layers_against_a_loop(name: str) -> None:
    """Any layer, observed behind its activation function; both variants, position by position."""
    model = headed(name)
    net: Any = model.module
    for inside in (False, True):
        found = own_grid(model, images(3), THREE, "stem", inside=inside)
        for image in range(3):
            for at in range(2):
                maps = F.relu(net.stem(images(3)[image : image + 1])).requires_grad_()
                score = net.head(net, F.relu(net.body(maps)))[0, THREE[image, at]]
                (gradient,) = torch.autograd.grad(score, maps)
                expected = torch.zeros(maps.shape[2:])
                for channel in range(maps.shape[1]):
                    term = gradient[0, channel].mean() * maps[0, channel]
                    expected += term.relu() if inside else term
                torch.testing.assert_close(found[image, at], expected.relu().detach())


def test_torchvision_against_captum() -> None:
    from torchvision.models import resnet18, squeezenet1_1

    torch.manual_seed(0)
    shown = images(3, 64)
    for module, layer, how in (
        (resnet18(num_classes=7), "layer4", {}),
        # What the convolution to the classes reads, behind the dropout: two layers side by side.
        (squeezenet1_1(num_classes=7), "classifier.1", {"attribute_to_layer_input": True}),
    ):
        model = model_of(module, 64, seed=None)
        expected = by_captum(module, layer, shown, **how)
        found = own_grid(model, shown, THREE)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)
        assert float(found.max()) > 0


def test_what_comes_later_in_place_changes_nothing() -> None:
    """The layer's values are overwritten before they are read, with and without saying so."""

    def said(net: Headed, x: Tensor) -> Tensor:
        x = net.wide(x)
        x += 1
        return net.second(x.relu_().mean((2, 3)) ** 2)

    def unsaid(net: Headed, x: Tensor) -> Tensor:
        x = net.wide(x)
        x.add_(1)
        torch.relu_(x)
        return net.second(x.mean((2, 3)) ** 2)

    def plain(net: Headed, x: Tensor) -> Tensor:
        return net.second((net.wide(x) + 1).relu().mean((2, 3)) ** 2)

    expected = own_grid(model_of(Headed(plain)), images(3), THREE, "wide")
    assert bool((expected > 0).any())
    for way in (said, unsaid):
        found = own_grid(model_of(Headed(way)), images(3), THREE, "wide")
        torch.testing.assert_close(found, expected)


def test_probabilities_are_asked_for_their_scores() -> None:
    """The score before the softmax, as in the paper."""
    plain = own_grid(headed("flattened"), images(3), THREE)
    module = Headed(lambda net, x: net.flat(net.last(x).flatten(1)).softmax(1))
    module.last = nn.Tanh()
    torch.testing.assert_close(own_grid(model_of(module), images(3), THREE), plain)


@given(st.integers(0, 2**31))
def test_divided_maps_reach_one_or_are_zero(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(2, 3, 4, 4, generator=generator).relu() * 1e-20
    maps[0, 1] = 0
    shares, maxima = divided(maps)
    assert maxima[0, 1] == 0 and not bool(shares[0, 1].any())
    torch.testing.assert_close(shares * maxima[..., None, None], maps)
    others = torch.cat([shares[0, ::2], shares[1]]).amax((1, 2))
    torch.testing.assert_close(others, torch.ones_like(others))


def test_a_class_that_nothing_speaks_for() -> None:
    module = Headed(lambda net, x: net.fc(x.mean((2, 3))))
    model = model_of(module)
    module.fc.weight.data[1] = -1
    maps = gradcam(model, images(1), torch.tensor([[1, 0]]))
    shares, maxima = divided(maps)
    assert maxima[0, 0] == 0 and not bool(maps[0, 0].any()) and not bool(shares[0, 0].any())
    assert maps.shape == (1, 2, 56, 56) and float(shares[0, 1].max()) == 1


# Transformers


def by_hand(net: Any, shown: Tensor, classes: Tensor, extra: int) -> Tensor:
    """Grad-CAM of the tokens that the last attention reads, patches of 3 x 3."""
    kept: list[Tensor] = []

    def keep(_: object, __: object, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[0]

    hook = net.blocks[-1].norm.register_forward_hook(keep)
    scores = net(shown)
    hook.remove()
    maps = []
    for at in range(classes.shape[1]):
        total = scores.gather(1, classes[:, at : at + 1]).sum()
        (gradient,) = torch.autograd.grad(total, kept[0], retain_graph=True)
        tokens, gradient = kept[0][:, extra:].detach(), gradient[:, extra:]
        weighted = (gradient.mean(1, keepdim=True) * tokens).sum(2).relu()
        maps.append(weighted.reshape(-1, 3, 3))
    return torch.stack(maps, 1)


@pytest.mark.parametrize("way", ["module", "fused", "written"])
@pytest.mark.parametrize("extra", [0, 1, 3])
def test_tokens_in_their_grid(way: str, extra: int) -> None:
    model = model_of(Transformer(way, extra))
    found = own_grid(model, images(3), THREE)
    torch.testing.assert_close(found, by_hand(model.module, images(3), THREE, extra))
    assert float(found.max()) > 0
    words = {0: "reads", 1: "reads, without the class token"}
    about = layer_maps(model).about
    assert about.endswith(words.get(extra, "reads, without the 3 that are of no patch"))
    named = own_grid(model, images(3), THREE, "blocks.1.down")
    assert named.shape == (3, 2, 3, 3) and float(named.max()) > 0


def test_a_transformer_of_torchvision() -> None:
    from torchvision.models import VisionTransformer

    model = model_of(VisionTransformer(32, 8, 3, 2, 12, 24, num_classes=7), 32)
    maps = gradcam(model, images(2, 32), torch.tensor([[0, 6], [3, 3]]))
    assert maps.shape == (2, 2, 56, 56) and float(maps.max()) > 0
    assert spatial_layers(model)[0] == "conv_proj" and "heads.head" not in spatial_layers(model)


def test_maps_with_the_channels_last() -> None:
    """Swin: the mean of its last maps is all that the head sees, so CAM says the same."""
    from torchvision.models.swin_transformer import SwinTransformer

    from lamella.attribution.cam import contributions

    model = model_of(SwinTransformer([4, 4], 8, [2, 2], [2, 2], [4, 4], num_classes=7), 64)
    classes = torch.tensor([[0, 6], [3, 3]])
    found = own_grid(model, images(2, 64), classes)
    assert found.shape == (2, 2, 8, 8)
    expected = contributions(model, images(2, 64), classes).relu() / 64
    torch.testing.assert_close(found, expected)
    inner = own_grid(model, images(2, 64), classes, "features.1.1.mlp.3")
    assert inner.shape == (2, 2, 16, 16) and float(inner.max()) > 0
    # Windows are put back in their places.
    windows = own_grid(model, images(2, 64), classes, "features.1.1.attn.proj")
    assert windows.shape == (2, 2, 16, 16) and float(windows.max()) > 0


@pytest.mark.parametrize("residual", [True, False])
def test_a_network_of_patches_without_convolution(residual: bool) -> None:
    """Tokens that are mixed lie where what they are added to lies, and else nowhere."""

    class Mixer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.mix, self.head = nn.Linear(48, 8), nn.Linear(9, 9), nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            x = self.embed(F.unfold(x, 4, stride=4).transpose(1, 2))
            mixed = F.gelu(self.mix(x.transpose(1, 2))).transpose(1, 2)
            return self.head((x + mixed if residual else mixed).tanh().mean(1))

    model = model_of(Mixer())
    if residual:
        assert own_grid(model, images(3), THREE).shape == (3, 2, 3, 3)
        assert layer_maps(model).about == "the last tokens"
    assert model.traced["embed"].layer.has_map and not model.traced["mix"].layer.has_map


# Words and bad input


def test_the_maps_are_named_in_words() -> None:
    from torchvision.models import resnet18, squeezenet1_1

    torch.manual_seed(0)
    said = {
        "the maps of features.12.expand1x1 and features.12.expand3x3, which classifier.1 reads": (
            squeezenet1_1(num_classes=7)
        ),
        "the maps of layer4.1.conv2 with what is added to them, whose means fc reads": (
            resnet18(num_classes=7)
        ),
    }
    for words, module in said.items():
        assert layer_maps(model_of(module, 64, seed=None)).about == words
    assert layer_maps(headed("deep")).about == "the maps of body, the last before the head"
    assert layer_maps(headed("deep"), "stem").about == "the maps of stem"


def test_layers_that_cannot_be_asked_for() -> None:
    model = headed("deep")
    assert spatial_layers(model) == ("stem", "body") and why_not(model) == ""
    with pytest.raises(ModelError) as wrong:
        gradcam(model, images(1), THREE[:1], "flat")
    assert wrong.value.problem == (
        "Grad-CAM: the layer 'flat' has no maps: its values have no rows and columns."
    )
    assert wrong.value.remedy == "Layers with maps: stem, body."
    with pytest.raises(UnknownLayer) as unknown:
        gradcam(model, images(1), THREE[:1], "bodi")
    assert unknown.value.problem == "Grad-CAM: there is no layer 'bodi'."
    assert unknown.value.remedy == "Did you mean 'body'?"
    with pytest.raises(UnknownLayer, match=r"Layers with maps: stem, body\."):
        gradcam(model, images(1), THREE[:1], "qqqqqq")
    assert "there is no layer" in why_not(model, "qqqqqq")
    with pytest.raises(ModelError, match="There is no class 4"):
        gradcam(model, images(1), torch.tensor([[4]]))


def test_networks_that_have_none() -> None:
    flat = model_of(nn.Sequential(nn.Flatten(), nn.Linear(432, 4)))
    assert why_not(flat) == "Not defined for this network: no layer of it has rows and columns."
    apart = Headed(lambda net, x: net.fc(x.mean((2, 3)).detach()))
    with pytest.raises(ModelError, match=r"do not depend on the maps of stem\."):
        gradcam(model_of(apart), images(1), THREE[:1], "stem")
    maps = model_of(Headed(lambda net, x: net.point(x)))
    with pytest.raises(ModelError, match="no list of class scores"):
        gradcam(maps, images(1), THREE[:1])


def test_an_image_does_not_depend_on_its_batch() -> None:
    model, shown = headed("deep"), images(3)
    together = gradcam(model, shown, THREE)
    for at in range(3):
        alone = gradcam(model, shown[at : at + 1], THREE[at : at + 1])
        torch.testing.assert_close(alone[0], together[at])
    torch.testing.assert_close(gradcam(model, shown, THREE, batch=2), together)


@pytest.mark.parametrize("make", [lambda: headed("deep"), lambda: model_of(Transformer())])
def test_the_network_is_as_it_was_and_inference_mode_does_not_matter(make: Any) -> None:
    model, other = make(), make()
    with untouched(model.module, images(2)):
        plain = gradcam(model, images(3), THREE)
    assert not plain.requires_grad
    with torch.inference_mode():
        assert torch.equal(gradcam(other, images(3), THREE), plain)
    with torch.no_grad():
        assert torch.equal(gradcam(model, images(3), THREE), plain)
    assert np.isfinite(plain.numpy()).all()
