"""Attention rollout against slow loops, however attention was written."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from helpers.attributed import Block, Headed, Transformer, images, model_of
from helpers.untouched import untouched
from lamella.attribution.attention import Attention
from lamella.attribution.gradcam import gradcam
from lamella.attribution.rollout import joined, rollout, why_not
from lamella.attribution.target_layers import layer_maps
from lamella.errors import ModelError

WAYS = ["module", "fused", "written"]


def by_hand(net: Any, shown: Tensor) -> np.ndarray:
    """What each patch counts, (image, patch), from what nn.MultiheadAttention gives out itself."""
    kept: list[tuple[Tensor, Tensor]] = []
    hooks = [
        block.norm.register_forward_hook(
            lambda _, __, tokens, module=block.attention: kept.append(
                module(tokens, tokens, tokens, need_weights=True, average_attn_weights=False)
            )
        )
        for block in net.blocks
    ]
    net(shown)
    for hook in hooks:
        hook.remove()
    extra = 0 if net.extra is None else net.extra.shape[1]
    found = []
    for image in range(len(shown)):
        product = np.eye(9 + extra)
        for _, weights in kept:  # (image, head, token, token)
            mixed = weights[image].double().numpy().mean(0)
            passed = mixed / 2 + np.eye(len(mixed)) / 2
            product = (passed / passed.sum(1, keepdims=True)) @ product
        found.append((product[0] if extra else product.mean(0))[extra:])
    return np.stack(found)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("extra", [0, 1, 2])
def test_against_a_loop(way: str, extra: int) -> None:
    model = model_of(Transformer(way, extra))
    assert why_not(model) == ""
    found = rollout(model, images(4))
    assert found.shape == (4, 3, 3) and found.dtype == torch.float32
    expected = by_hand(model.module, images(4))
    np.testing.assert_allclose(found.flatten(1), expected, rtol=1e-5)
    assert float(np.ptp(expected, axis=1).min()) > 1e-3
    torch.testing.assert_close(rollout(model, images(4), batch=3), found)


def test_a_transformer_of_torchvision() -> None:
    from torchvision.models import VisionTransformer

    model = model_of(VisionTransformer(32, 8, 3, 2, 12, 24, num_classes=7), 32)
    found = rollout(model, images(2, 32))
    assert found.shape == (2, 4, 4)
    assert bool((found > 0).all()) and bool((found.sum((1, 2)) < 1).all())


class Cornered(nn.Module):
    """4 x 4 patches, a class token and eight registers, 25 tokens, which is a square; attention
    looks at the patch in the lower right corner alone."""

    def __init__(self, order: str) -> None:
        super().__init__()
        self.order = order
        self.patches = nn.Linear(192, 16) if order == "unfolded" else nn.Conv2d(3, 16, 8, 8)
        self.start, self.registers = (nn.Parameter(torch.randn(1, n, 16)) for n in (1, 8))
        self.norm, self.value, self.out = nn.LayerNorm(16), nn.Linear(16, 16), nn.Linear(16, 16)
        self.last = nn.Linear(16, 4)
        self.corner = 16 if order == "behind" else 24

    def forward(self, shown: Tensor) -> Tensor:
        if self.order == "unfolded":
            tokens = self.patches(F.unfold(shown, 8, stride=8).transpose(1, 2))
        else:
            tokens = self.patches(shown).flatten(2).transpose(1, 2)
        start, registers = (x.expand(len(shown), -1, -1) for x in (self.start, self.registers))
        behind = self.order == "behind"
        tokens = torch.cat([start, tokens, registers] if behind else [start, registers, tokens], 1)
        for _ in range(2):
            read = self.norm(tokens)
            bias = torch.zeros(25, 25)
            bias[:, self.corner] = 9.0
            heads = self.value(read).unflatten(2, (2, 8)).transpose(1, 2)
            seen = F.scaled_dot_product_attention(heads, heads, heads, attn_mask=bias)
            tokens = tokens + self.out(seen.transpose(1, 2).flatten(2))
        scores: Tensor = self.last(tokens[:, 0])
        return scores


@pytest.mark.parametrize("order", ["before", "behind", "unfolded"])
def test_registers_before_and_behind_the_patches(order: str) -> None:
    model = model_of(Cornered(order), 32)
    shares = rollout(model, images(2, 32))
    assert shares.shape == (2, 4, 4) and shares.flatten(1).argmax(1).tolist() == [15, 15]
    maps = gradcam(model, images(2, 32), torch.tensor([[0], [1]]), own_grid=True)
    assert maps.shape == (2, 1, 4, 4)
    assert all(one.max() == 0 or one.argmax() == 15 for one in maps)
    assert layer_maps(model).about.endswith(", without the 9 that are of no patch")


@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(2, 6))
def test_rows_add_up_to_one(seed: int, blocks: int, tokens: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(blocks, 2, tokens, tokens, generator=generator)
    attentions = list(logits.softmax(3))
    found = joined(attentions)
    torch.testing.assert_close(found.sum(2), torch.ones(2, tokens))
    assert bool((found >= 0).all())


def test_on_paper() -> None:
    """Two tokens. The first block mixes them, in the second the first looks at the second alone."""
    first = torch.tensor([[[0.5, 0.5], [0.5, 0.5]]])
    second = torch.tensor([[[0.0, 1.0], [0.0, 1.0]]])
    # Half passes by: [[3/4, 1/4], [1/4, 3/4]], then [[1/2, 1/2], [0, 1]].
    assert joined([first, second]).tolist() == [[[0.5, 0.5], [0.25, 0.75]]]
    assert joined([second, first]).tolist() == [[[0.375, 0.625], [0.125, 0.875]]]


MASKED: dict[str, dict[str, Any]] = {
    "plain": {},
    "causal": {"is_causal": True},
    "scaled": {"scale": 2.0},
    "masked": {"attn_mask": torch.tensor([[True, False, True]] * 3)},
    "shifted": {"attn_mask": torch.tensor([[0.0, 1.0, -2.0]] * 3)},
    "heads shared": {"enable_gqa": True},
}


@pytest.mark.parametrize("name", MASKED)
def test_weights_that_torch_keeps_to_itself(name: str) -> None:
    """Where the values are the unit vectors, attention's result is its weights."""
    options = MASKED[name]
    generator = torch.Generator().manual_seed(4)
    heads = 2 if "enable_gqa" in options else 4
    query = torch.randn(2, 4, 3, 5, generator=generator)
    key = torch.randn(2, heads, 3, 5, generator=generator)
    value = torch.eye(3).expand(2, heads, 3, 3)
    seen = Attention(2)
    with seen:
        result = F.scaled_dot_product_attention(query, key, value, **options)
    torch.testing.assert_close(seen.found[0], result.mean(1))
    assert torch.equal(result, F.scaled_dot_product_attention(query, key, value, **options))


@pytest.mark.parametrize("needs", [False, True])
@pytest.mark.parametrize("averaged", [False, True])
def test_a_module_gives_what_it_was_asked_for(needs: bool, averaged: bool) -> None:
    module = nn.MultiheadAttention(8, 2, batch_first=True).eval().requires_grad_(False)
    tokens = torch.rand(3, 5, 8)

    def ask() -> tuple[Tensor, Tensor | None]:
        return module(tokens, tokens, tokens, need_weights=needs, average_attn_weights=averaged)

    plain, weights = ask()
    seen = Attention(3)
    with seen:
        under, others = ask()
    torch.testing.assert_close(under, plain)
    assert (others is None) == (weights is None) == (not needs)
    assert seen.found[0].shape == (3, 5, 5)
    if weights is not None and others is not None:
        torch.testing.assert_close(others, weights)
        torch.testing.assert_close(seen.found[0], weights if averaged else weights.mean(1))


@pytest.mark.parametrize("way", WAYS)
def test_the_network_is_as_it_was(way: str) -> None:
    model = model_of(Transformer(way))
    with untouched(model.module, images(2)):
        plain = rollout(model, images(2))
    seen = Attention(2)
    with torch.no_grad():
        outputs = model.module(images(2))
        with seen:
            under = model.module(images(2))
    torch.testing.assert_close(under, outputs)
    assert torch.equal(under, outputs) or way == "module"
    assert len(seen.found) == 3
    with torch.inference_mode():
        assert torch.equal(rollout(model, images(2)), plain)


class Reduced(Transformer):
    """Attention from all tokens to every second one."""

    def __init__(self) -> None:
        super().__init__(extra=0)
        self.blocks = nn.ModuleList()
        self.mix = nn.MultiheadAttention(8, 2, batch_first=True)
        self.after = self.norm
        self.norm = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        mixed = self.mix(tokens, tokens[:, ::2], tokens[:, ::2])[0]
        return self.head(self.after(tokens + mixed).mean(1))


class NonLocal(Headed):
    """One attention among the positions of maps, within a convolutional network."""

    def __init__(self) -> None:
        super().__init__(lambda net, x: net.fc(net.attend(x).mean((2, 3))))

    def attend(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        return x + (flat @ (flat.transpose(1, 2) @ flat).softmax(-1)).reshape(x.shape)


def pooled(net: Headed, x: Tensor) -> Tensor:
    return net.fc(x.mean((2, 3)))


def swin() -> nn.Module:
    from torchvision.models.swin_transformer import SwinTransformer

    return SwinTransformer([4, 4], 8, [2, 2], [2, 2], [2, 2], num_classes=7)


class Shrinking(Transformer):
    """The second block sees half of the tokens."""

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        for at, block in enumerate(self.blocks):
            tokens = block(tokens[:, :: at + 1])
        return self.head(self.norm(tokens).mean(1))


OTHERS: dict[str, tuple[Any, str]] = {
    "convolutional": (lambda: Headed(pooled), "it has no attention."),
    "windows": (swin, "its attention is not over all patches, but within windows."),
    "reduced": (Reduced, "but from some tokens to others."),
    "non-local": (NonLocal, "but among positions of maps, with other layers between."),
    "shrinking": (lambda: Shrinking(extra=0), "but over fewer of them in later blocks."),
}


@pytest.mark.parametrize("name", OTHERS)
def test_networks_without_say_why(name: str) -> None:
    make, reason = OTHERS[name]
    model = model_of(make(), 32 if name == "windows" else 12)
    assert why_not(model).startswith("Not defined for this network: ")
    assert why_not(model).endswith(reason)
    with pytest.raises(ModelError) as error:
        rollout(model, images(1))
    assert error.value.problem == why_not(model)


def test_windows_in_torch_s_own_attention() -> None:
    """Windows in the batch, or on an axis of their own, are more than images."""
    seen = Attention(2)
    with seen:
        for shape in ((2 * 9, 4, 5, 6), (2, 9, 4, 5, 6)):
            part = torch.rand(shape)
            F.scaled_dot_product_attention(part, part, part)
    assert [tuple(one.shape) for one in seen.found] == [(18, 5, 5)] * 2


def test_what_is_no_attention_is_passed_by() -> None:
    seen = Attention(2)
    with seen:
        torch.rand(2, 7).softmax(1)
        torch.rand(2, 3, 4, 5).softmax(1)
        F.softmax(torch.rand(6, 4, 4), 2)
        torch.rand(2, 3, 4, 4).softmax(dim=1)
        torch.softmax(torch.rand(2, 3, 4, 4), 2)
    assert seen.found == []


def test_the_three_ways_are_one_network() -> None:
    """What the tests above rest on."""
    blocks = [Block(way, 8, 2).eval().requires_grad_(False) for way in WAYS]
    for block in blocks[1:]:
        block.load_state_dict(blocks[0].state_dict())
    tokens = torch.rand(2, 5, 8)
    for block in blocks[1:]:
        torch.testing.assert_close(block(tokens), blocks[0](tokens))
