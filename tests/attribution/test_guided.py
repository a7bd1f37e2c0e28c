"""Guided backpropagation: the paper's rule for every rectifier, and nothing else changes."""

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from captum.attr import GuidedBackprop as CaptumGuided
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torchvision.models import VisionTransformer, mobilenet_v3_small
from zennit.composites import GuidedBackprop as ZennitGuided

from helpers.untouched import untouched
from lamella.attribution.guided import Guided
from lamella.network.activations import Address, Watch, cut


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make a busy machine slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


Form = Callable[[Tensor], Tensor]
SLOPES = torch.tensor([0.2, -0.5, 0.0, -1.0])  # of a PReLU with four channels


def prelu() -> nn.PReLU:
    module = nn.PReLU(4)
    module.weight.data.copy_(SLOPES)
    return module.requires_grad_(False)


RISING: dict[str, Form] = {
    "relu module": nn.ReLU(),
    "relu module in place": nn.ReLU(inplace=True),
    "F.relu": F.relu,
    "F.relu by name": lambda x: F.relu(input=x),
    "F.relu in place": lambda x: F.relu(x, inplace=True),
    "F.relu in place by position": lambda x: F.relu(x, True),
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "relu method": lambda x: x.relu(),
    "relu method in place": lambda x: x.relu_(),
    "clamp from 0": lambda x: x.clamp(min=0),
    "clamp from 0 by position": lambda x: torch.clamp(x, 0.0),
    "clamp from 0 in place": lambda x: x.clamp_(min=0),
    "clip from 0": lambda x: torch.clip(x, 0, 3),
    "clamp_min": lambda x: torch.clamp_min(x, 0),
    "clamp_min in place": lambda x: x.clamp_min_(0),
    "relu6 module": nn.ReLU6(),
    "relu6 module in place": nn.ReLU6(inplace=True),
    "F.relu6 in place by position": lambda x: F.relu6(x, True),
    "hardtanh module": nn.Hardtanh(0.0, 6.0, inplace=True),
    "F.hardtanh": lambda x: F.hardtanh(x, 0.0, 6.0),
    "F.hardtanh in place by position": lambda x: F.hardtanh(x, 0.0, 6.0, True),
    "F.hardtanh_": lambda x: F.hardtanh_(x, min_val=0.0, max_val=2.0),
    "threshold": nn.Threshold(0.5, -1.0),
    "threshold in place": lambda x: F.threshold(x, 0.5, 0.0, True),
    "leaky_relu": F.leaky_relu,
    "leaky_relu in place": nn.LeakyReLU(0.3, inplace=True),
    "F.leaky_relu_": lambda x: F.leaky_relu_(x, 0.3),
    "elu": nn.ELU(),
    "elu in place": lambda x: F.elu(x, 1.5, True),
    "F.elu_": F.elu_,
    "selu": torch.selu,
    "selu in place": nn.SELU(inplace=True),
    "celu": nn.CELU(2.0),
    "celu in place": torch.celu_,
    "rrelu": lambda x: F.rrelu(x, 0.1, 0.3, False),
    "rrelu in place": lambda x: F.rrelu(x, 0.1, 0.3, False, True),
    "softplus": nn.Softplus(),
    "F.softplus": lambda x: F.softplus(x, 3),
}
FALLING: dict[str, Form] = {
    "gelu": nn.GELU(),
    "F.gelu": F.gelu,
    "gelu by tanh": nn.GELU("tanh"),
    "F.gelu by tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": nn.SiLU(),
    "silu in place": nn.SiLU(inplace=True),
    "F.silu in place by position": lambda x: F.silu(x, True),
    "mish": F.mish,
    "mish in place": nn.Mish(inplace=True),
    "hardswish": nn.Hardswish(),
    "hardswish in place": lambda x: F.hardswish(x, inplace=True),
    "prelu": prelu(),
    "F.prelu": lambda x: F.prelu(x, SLOPES),
    "torch.prelu by name": lambda x: torch.prelu(x, weight=SLOPES),
}
ALL = RISING | FALLING
NONE: dict[str, Form] = {
    "sigmoid": torch.sigmoid,
    "tanh": nn.Tanh(),
    "softmax": nn.Softmax(1),
    "hardsigmoid": F.hardsigmoid,
    "softsign": F.softsign,
    "logsigmoid": F.logsigmoid,
    "softshrink": F.softshrink,
    "hard tanh": F.hardtanh,
    "clamp from below elsewhere": lambda x: x.clamp(min=1e-6),
    "clamp from above": lambda x: x.clamp(max=0),
    "clamp by a tensor": lambda x: x.clamp(min=torch.zeros(())),
    "max_pool2d": lambda x: F.max_pool2d(x, 2, 1),
    "abs": torch.abs,
    "mul_": lambda x: x.mul_(-2),
}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3


def passed(form: Form, before: Tensor, gradient: Tensor | None, guided: bool) -> Any:
    """Values behind a function, those that it leaves in front, and the gradient there."""
    leaf = before.clone().requires_grad_()
    inner = leaf * 1  # what may be overwritten in place
    if guided:
        with Guided():
            after = form(inner)
    else:
        after = form(inner)
    values = after.detach().clone()
    weights = torch.ones_like(after) if gradient is None else gradient
    (found,) = torch.autograd.grad(after, leaf, weights)
    return values, inner.detach(), found


@pytest.mark.parametrize("name", ALL)
def test_positive_parts_are_multiplied(name: str) -> None:
    before, gradient = drawn(3, 4, 5, 5), drawn(3, 4, 5, 5, seed=1)
    # Each function works place by place, so ones give its derivative.
    values, left, slope = passed(ALL[name], before, None, guided=False)
    found, left_guided, passed_on = passed(ALL[name], before, gradient, guided=True)
    assert torch.equal(found, values), "values change"
    assert torch.equal(left_guided, left), "what is left in place changes"
    expected = slope.clamp(min=0) * gradient.clamp(min=0)
    torch.testing.assert_close(passed_on, expected, rtol=1e-6, atol=1e-7)
    assert (passed_on >= 0).all() and (passed_on > 0).any()
    if name in FALLING:
        assert (slope < 0).any(), "the example shows nothing"


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_rectifier_is_left_alone(name: str) -> None:
    before = drawn(3, 4, 5, 5)
    gradient = drawn(*NONE[name](before.clone()).shape, seed=1)
    plain = passed(NONE[name], before, gradient, guided=False)
    guided = passed(NONE[name], before, gradient, guided=True)
    assert all(torch.equal(one, other) for one, other in zip(plain, guided, strict=True))


@pytest.mark.parametrize("name", ALL)
def test_who_else_reads_the_value_keeps_the_gradient(name: str) -> None:
    """A shortcut around a rectifier passes everything."""
    before, gradient = drawn(2, 4, 3, 3), drawn(2, 4, 3, 3, seed=1)
    _, _, through = passed(ALL[name], before, gradient, guided=True)
    _, _, both = passed(lambda x: ALL[name](x.clone()) + x, before, gradient, guided=True)
    torch.testing.assert_close(both, through + gradient)


@pytest.mark.parametrize("form", [F.relu, F.silu, F.leaky_relu, F.elu], ids=lambda f: f.__name__)
def test_in_place_on_a_part_of_a_tensor(form: Callable[..., Tensor]) -> None:
    """The whole is read afterwards, not what the function returned."""

    def whole(x: Tensor) -> Tensor:
        form(x[:, :2], inplace=True)
        form(x.view(len(x), -1)[:, -9:], inplace=True)
        return x * 1

    def apart(x: Tensor) -> Tensor:
        parts = [form(x[:, :2]).flatten(1), x[:, 2:].flatten(1)[:, :-9]]
        parts.append(form(x.flatten(1)[:, -9:]))
        return torch.cat(parts, 1).view_as(x)

    before, gradient = drawn(2, 4, 3, 3), drawn(2, 4, 3, 3, seed=1)
    values, _, found = passed(whole, before, gradient, guided=True)
    expected, _, slope = passed(apart, before, gradient, guided=True)
    torch.testing.assert_close(values, expected)
    torch.testing.assert_close(found, slope)


def test_what_overwrites_the_result_later_spoils_nothing() -> None:
    before, gradient = drawn(2, 4, 3, 3), drawn(2, 4, 3, 3, seed=1)
    _, _, found = passed(lambda x: F.relu6(x, inplace=True).mul_(-2), before, gradient, guided=True)
    assert torch.equal(found, ((before > 0) & (before < 6)) * (-2 * gradient).clamp(min=0))


def test_what_needs_no_gradient_is_left_alone() -> None:
    before = drawn(2, 3)
    with Guided():
        assert torch.equal(F.relu(before), before.clamp(min=0))
        assert torch.equal(F.gelu(before, approximate="none"), torch.nn.GELU()(before))
        with torch.no_grad():
            F.silu(before.clone().requires_grad_(), inplace=True)


def test_nothing_is_left_behind() -> None:
    before, gradient = drawn(1, 9), drawn(1, 9, seed=1)
    with pytest.raises(ZeroDivisionError):
        passed(lambda x: x / len(x[1:]) / (1 // 0), before, gradient, guided=True)
    module = nn.ReLU()
    passed(module, before, gradient, guided=True)
    _, _, slope = passed(module, before, gradient, guided=False)
    assert torch.equal(slope, (before > 0) * gradient)
    assert not module._backward_hooks and not module._forward_hooks


# Whole networks: a slow truth swaps the modules of a copy


class Slow(torch.autograd.Function):
    """The rule, one function at a time, with the derivative asked for by itself."""

    @staticmethod
    def forward(ctx: Any, before: Tensor, function: Form) -> Tensor:
        ctx.save_for_backward(before)
        ctx.function = function
        return function(before.clone())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (before,) = ctx.saved_tensors
        with torch.enable_grad():
            leaf = before.clone().requires_grad_()
            (slope,) = torch.autograd.grad(ctx.function(leaf * 1).sum(), leaf)
        return slope.clamp(min=0) * gradient.clamp(min=0), None


class Swapped(nn.Module):
    def __init__(self, function: Form) -> None:
        super().__init__()
        self.function = function

    def forward(self, before: Tensor) -> Tensor:
        return Slow.apply(before, self.function)


RECTIFIERS = (nn.ReLU, nn.GELU, nn.Hardswish, nn.SiLU)


def swapped(network: nn.Module) -> nn.Module:
    """A copy in which modules that are rectifiers go by the rule."""
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, RECTIFIERS):
                setattr(parent, name, Swapped(child))
    return network


def slopes(network: Form, images: Tensor, guided: bool) -> Tensor:
    leaf = images.clone().requires_grad_()
    if guided:
        with Guided():
            scores = network(leaf)
    else:
        scores = network(leaf)
    (found,) = torch.autograd.grad(scores[:, 1].sum(), leaf)
    return found


def seeded(network: nn.Module, scale: float = 1.0) -> nn.Module:
    """Weights of its own generator, frozen."""
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        if parameter.dim() > 1:
            gain = scale * (2 / parameter[0].numel()) ** 0.5
            parameter.data.normal_(0, gain, generator=generator)
        parameter.requires_grad_(False)
    return network.eval()


def convolutions(rectifier: Callable[[], nn.Module]) -> nn.Module:
    return seeded(
        nn.Sequential(
            nn.Conv2d(3, 8, 3), rectifier(), nn.Conv2d(8, 8, 3), rectifier(), nn.MaxPool2d(2),
            nn.Conv2d(8, 6, 3), rectifier(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4),
        )
    )  # fmt: skip


class Functional(nn.Module):
    """The same with functions."""

    def __init__(self, layers: nn.Module, rectifier: Form) -> None:
        super().__init__()
        self.layers, self.rectifier = layers, rectifier

    def forward(self, images: Tensor) -> Tensor:
        for layer in self.layers.children():
            images = self.rectifier(images) if isinstance(layer, RECTIFIERS) else layer(images)
        return images


@pytest.mark.parametrize("inplace", [False, True])
def test_captum_and_zennit_agree_on_modules(inplace: bool) -> None:
    network = convolutions(lambda: nn.ReLU(inplace=inplace))
    images = drawn(3, 3, 14, 14)
    with untouched(network, images):
        found = slopes(network, images, guided=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it sets hooks, and requires a gradient of an image
        captum = CaptumGuided(network).attribute(images.clone(), target=1)
    torch.testing.assert_close(found, captum)
    with ZennitGuided().context(copy.deepcopy(network)) as hooked:
        zennit = slopes(hooked, images, guided=False)
    torch.testing.assert_close(found, zennit)
    assert not torch.allclose(found, slopes(network, images, guided=False))


def test_zennits_rule_on_gelu_differs_only_where_it_falls() -> None:
    from zennit.core import Composite
    from zennit.rules import ReLUGuidedBackprop

    rule = ReLUGuidedBackprop()
    composite = Composite(lambda ctx, name, module: rule if isinstance(module, nn.GELU) else None)
    before, gradient = drawn(1, 400), drawn(1, 400, seed=1)
    network = nn.Sequential(nn.GELU())
    _, _, slope = passed(network, before, None, guided=False)
    with composite.context(network) as hooked:
        _, _, zennit = passed(hooked, before, gradient, guided=False)
    _, _, found = passed(nn.GELU(), before, gradient, guided=True)
    torch.testing.assert_close(found[slope >= 0], zennit[slope >= 0])
    assert (zennit[slope < 0] < 0).any() and (found[slope < 0] == 0).all()


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (lambda: nn.ReLU(inplace=True), F.relu),
        (nn.ReLU, torch.relu_),
        (nn.ReLU, lambda x: x.clamp(min=0)),
        (nn.GELU, F.gelu),
        (lambda: nn.SiLU(inplace=True), F.silu),
    ],
)
def test_functions_and_modules_give_the_same_bits(
    module: Callable[[], nn.Module], function: Form
) -> None:
    network = convolutions(module)
    images = drawn(2, 3, 14, 14)
    found = slopes(network, images, guided=True)
    assert torch.equal(found, slopes(Functional(network, function), images, guided=True))
    torch.testing.assert_close(found, slopes(swapped(network), images, guided=False))


@pytest.mark.parametrize(
    "network",
    [
        # hard-swish and ReLU in place, squeeze-and-excitation
        lambda: mobilenet_v3_small(num_classes=5),
        # GELU, attention, a class token
        lambda: VisionTransformer(
            image_size=32, patch_size=16, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32,
            num_classes=5,
        ),
    ],
    ids=["mobilenet_v3_small", "vit"],
)  # fmt: skip
def test_real_architectures(network: Callable[[], nn.Module]) -> None:
    built = seeded(network())
    images = drawn(2, 3, 32, 32)
    with untouched(built, images):
        found = slopes(built, images, guided=True)
    expected = slopes(swapped(built), images, guided=False)
    scale = float(expected.abs().max())
    assert scale > 0
    torch.testing.assert_close(found / scale, expected / scale, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found, slopes(built, images, guided=False), atol=0.01 * scale)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_the_fused_path_of_a_transformer_is_not_taken(activation: str, norm_first: bool) -> None:
    """In eval mode it runs in one kernel, activation function and all, that no mode sees."""

    def layer(function: Any) -> nn.Module:
        one = nn.TransformerEncoderLayer(
            8, 2, 16, activation=function, batch_first=True, norm_first=norm_first
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nested tensors are of no use with norm_first
            return seeded(nn.TransformerEncoder(one, 2))

    network = layer(activation)
    tokens = drawn(3, 5, 8)
    function = {"relu": F.relu, "gelu": F.gelu}[activation]
    truth = layer(lambda x: Slow.apply(x, function))
    truth.load_state_dict(network.state_dict())

    def first(encoder: nn.Module) -> Form:  # all features of a token together are always 0
        return lambda given: encoder(given)[:, :, 0]

    with untouched(network, tokens):
        found = slopes(first(network), tokens, guided=True)
    torch.testing.assert_close(found, slopes(first(truth), tokens, guided=False))
    assert not torch.allclose(found, slopes(first(network), tokens, guided=False))


@given(st.lists(st.sampled_from(["relu", "gelu", "leaky", "conv", "skip"]), max_size=6))
def test_any_chain(parts: list[str]) -> None:
    """Functions against the slow truth, whatever stands between them."""
    generator = torch.Generator().manual_seed(len(parts))
    weight = torch.randn(4, 4, 1, 1, generator=generator)
    named = {"relu": F.relu, "gelu": F.gelu, "leaky": F.leaky_relu}

    def run(x: Tensor, slow: bool) -> Tensor:
        first = x
        for part in parts:
            if part == "conv":
                x = F.conv2d(x, weight)
            elif part == "skip":
                x = x + first
            else:
                x = Slow.apply(x, named[part]) if slow else named[part](x)
        return x * 1

    before, gradient = drawn(1, 4, 2, 2), drawn(1, 4, 2, 2, seed=1)
    values, _, expected = passed(lambda x: run(x, True), before, gradient, guided=False)
    found, _, slope = passed(lambda x: run(x, False), before, gradient, guided=True)
    torch.testing.assert_close(found, values)
    torch.testing.assert_close(slope, expected)


# Beside what looks into the network


def test_addresses_are_the_same() -> None:
    def calls(guided: bool) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []

        def see(name: str, ordinal: int, *rest: object) -> None:
            found.append((name, ordinal))

        images = drawn(1, 3, 14, 14).requires_grad_()
        network = Functional(convolutions(nn.ReLU), lambda x: F.silu(x, inplace=True))
        if guided:
            with Guided(), Watch(see):
                network(images)
        else:
            with Watch(see):
                network(images)
        return found

    assert calls(guided=True) == calls(guided=False)


def test_what_is_looked_at_is_guided_itself() -> None:
    """An activation that is asked to be less gets no gradient from its own rectifier."""
    leaf = drawn(1, 3, 14, 14).requires_grad_()
    network = cut(convolutions(nn.ReLU), Address("relu", 0))
    with Guided():
        values = network(leaf)
    (less,) = torch.autograd.grad(-values.sum(), leaf, retain_graph=True)
    (more,) = torch.autograd.grad(values.sum(), leaf, retain_graph=True)
    (again,) = torch.autograd.grad(values.sum(), leaf)
    assert (less == 0).all() and (more != 0).any() and torch.equal(more, again)
