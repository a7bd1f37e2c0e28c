"""Small networks to attribute scores in: every way to write a head, and transformers."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamella.config.preprocessing import Preprocessing
from lamella.loading.torchvision_models import mend_torchvision
from lamella.network.description import Network
from lamella.network.model import Model
from lamella.network.trace import trace

mend_torchvision()  # before anything imports it

AS_IT_IS = Preprocessing(mean=(0, 0, 0), std=(1, 1, 1))


def model_of(
    module: nn.Module, side: int = 12, preprocessing: Preprocessing = AS_IT_IS, seed: int | None = 2
) -> Model:
    """A model of a module; with weights drawn by `seed`, or the module's own for None."""
    module.eval().requires_grad_(False)
    if seed is not None:
        generator = torch.Generator().manual_seed(seed)
        for parameter in module.parameters():
            scale = parameter[0].numel() ** -0.5 if parameter.dim() > 1 else 0.3
            parameter.data.normal_(0, scale, generator=generator)
    facts: Any = Network("a", "", "", "", 0, (side, side), {}, ())
    traced = {found.layer.name: found for found in trace(module, (side, side))}
    return Model(module, preprocessing, traced, facts, torch.device("cpu"))


def images(number: int, side: int = 12, seed: int = 1) -> Tensor:
    return torch.rand(number, 3, side, side, generator=torch.Generator().manual_seed(seed))


class Headed(nn.Module):
    """Two convolutions, and whatever head."""

    def __init__(self, head: Callable[["Headed", Tensor], Any]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 5, 3, stride=2)
        self.body = nn.Conv2d(5, 6, 2)
        self.fc = nn.Linear(6, 4)
        self.second = nn.Linear(4, 4)
        self.point = nn.Conv2d(6, 4, 1)
        self.wide = nn.Conv2d(6, 4, 3, padding=1)
        self.flat = nn.Linear(6 * 4 * 4, 4)
        self.norm = nn.LayerNorm(6)
        self.head = head

    def forward(self, x: Tensor) -> Any:
        return self.head(self, F.relu(self.body(F.relu(self.stem(x)))))  # maps (image, 6, 4, 4)


class Block(nn.Module):
    """A transformer's block; its attention is written in one of three ways."""

    def __init__(self, way: str, features: int, heads: int) -> None:
        super().__init__()
        self.way, self.heads = way, heads
        self.norm, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.attention = nn.MultiheadAttention(features, heads, batch_first=True)
        self.up, self.down = nn.Linear(features, 2 * features), nn.Linear(2 * features, features)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(x)
        if self.way == "module":
            mixed = self.attention(tokens, tokens, tokens, need_weights=False)[0]
        else:
            mixed = self.written(tokens)
        x = x + mixed
        return x + self.down(F.gelu(self.up(self.norm2(x))))

    def written(self, tokens: Tensor) -> Tensor:
        module = self.attention
        number, length, features = tokens.shape
        joint = F.linear(tokens, module.in_proj_weight, module.in_proj_bias)
        split = joint.reshape(number, length, 3, self.heads, features // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        if self.way == "fused":
            mixed = F.scaled_dot_product_attention(query, key, value)
        else:
            logits = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
            mixed = logits.softmax(-1) @ value
        return module.out_proj(mixed.transpose(1, 2).reshape(number, length, features))


class Transformer(nn.Module):
    """A vision transformer; `extra` tokens stand before those of the patches."""

    def __init__(self, way: str = "module", extra: int = 1, patch: int = 4, heads: int = 2) -> None:
        super().__init__()
        features = 8
        self.patches = nn.Conv2d(3, features, patch, stride=patch)
        self.extra = nn.Parameter(torch.zeros(1, extra, features)) if extra else None
        self.blocks = nn.ModuleList([Block(way, features, heads) for _ in range(3)])
        self.norm = nn.LayerNorm(features)
        self.head = nn.Linear(features, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        if self.extra is not None:
            tokens = torch.cat([self.extra.expand(len(x), -1, -1), tokens], 1)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        return self.head(tokens.mean(1) if self.extra is None else tokens[:, 0])


def rectified() -> nn.Module:
    """Convolutions with rectifiers, one of them in place."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5),
    )  # fmt: skip
