"""Attention rollout: from which patches the tokens of a transformer have what they carry.

Flow: attention, dataflow -> **rollout** -> compute.

Each block passes half of a token by, and half goes through its attention, averaged over heads:
`0.5 A + 0.5 I`, each row adding up to one. The product over all blocks says of the class token what
share of it comes from each patch; without a class token, the mean over all patches does. It asks
about no class.

captum does not have it.

Source: Abnar and Zuidema 2020, "Quantifying attention flow in transformers", arXiv:2005.00928.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lamella.attribution.attention import Attention
from lamella.attribution.gradients import batch_of, in_runs
from lamella.errors import ModelError
from lamella.network.activations import runs_of
from lamella.network.dataflow import dataflow_of, is_tokens, once
from lamella.network.model import Model
from lamella.places.layout import Layout

NONE = "Not defined for this network: it has no attention."
PARTIAL = "Not defined for this network: its attention is not over all patches, but {}."
NO_GRID = "over tokens that do not lie on a grid"


def why_not(model: Model) -> str:
    """Why a network has no attention rollout, a sentence for the reader; "" if it has."""

    def find() -> str:
        blank = model.plain(0, *model.facts.size)
        return _reason(_attentions(model, blank), model)

    return once(model, "rollout", find)


def rollout(model: Model, shown: Tensor, *, batch: int | None = None) -> Tensor:
    """The share of each patch, (image, row, column), float32, on the grid of the patches.

    With the tokens that are of no patch the shares of an image add up to one.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column).
        batch: images that run together.
    Raises:
        ModelError: the network has no attention over all patches.
    """
    if reason := why_not(model):
        raise ModelError(reason, "Leave attention rollout out.")
    found = []
    for (images,) in in_runs(batch or batch_of(model), shown.to(model.device)):
        attentions = _attentions(model, images)
        layout, asked = _layout(attentions, model), dataflow_of(model).class_token
        if layout is None:
            raise ModelError(PARTIAL.format(NO_GRID), "Leave attention rollout out.")
        rolled = joined(attentions)
        patches = list(layout.order or range(layout.rows * layout.columns))
        shares = rolled[:, patches].mean(1) if asked is None else rolled[:, asked]
        found.append(shares[:, patches].reshape(-1, layout.rows, layout.columns))
    return torch.cat(found).float()


def joined(attentions: Sequence[Tensor]) -> Tensor:
    """Attention of all blocks multiplied up, (image, token, token): row i says what i is made of.

    Args:
        attentions: of each block, (image, token, token), the first block first.
    """
    one = torch.eye(attentions[0].shape[1], device=attentions[0].device)
    found = one.expand_as(attentions[0])
    for attention in attentions:
        passed = 0.5 * attention.float() + 0.5 * one
        found = torch.bmm(passed / passed.sum(2, keepdim=True), found)
    return found


def _attentions(model: Model, images: Tensor) -> list[Tensor]:
    """What every block's attention is, averaged over heads, (image, token, token)."""
    found = []
    for inputs in runs_of(model.module, model.normalise(images)):
        seen = Attention(len(inputs))
        with torch.no_grad(), seen:
            model.module(inputs)
        found.append(seen.found)
    return found[0] if len(found) == 1 else [torch.cat(each) for each in zip(*found, strict=True)]


def _layout(attentions: Sequence[Tensor], model: Model) -> Layout | None:
    """How the tokens lie on the image; None where that cannot be told."""
    last = dataflow_of(model).last_maps
    layout = last.layout if last is not None and is_tokens(last) else None
    if layout is None or not layout.placed or layout.rows * layout.columns < 2:
        return None
    tokens = layout.rows * layout.columns + layout.apart
    return layout if tokens == attentions[0].shape[1] else None


def _reason(attentions: Sequence[Tensor], model: Model) -> str:
    """What stands against a rollout, or ""."""
    if not attentions:
        return NONE
    if any(len(one) > 1 for one in attentions):
        return PARTIAL.format("within windows")
    if any(one.shape[1] != one.shape[2] for one in attentions):
        return PARTIAL.format("from some tokens to others")
    if len({one.shape[1] for one in attentions}) > 1:
        return PARTIAL.format("over fewer of them in later blocks")
    last = dataflow_of(model).last_maps
    if last is None or not is_tokens(last):
        return PARTIAL.format("among positions of maps, with other layers between")
    if _layout(attentions, model) is None:
        return PARTIAL.format(NO_GRID)
    return ""
