"""The attention of a network's blocks while it runs, however it was written.

Flow: model, function_mode -> **attention** -> rollout. Seen are torch's own scaled dot product
attention, which `nn.MultiheadAttention` is made of, and a softmax written by hand.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamella.network.function_mode import FunctionMode

_SCALED = "scaled_dot_product_attention"


class Attention(FunctionMode):
    """While it is entered, attention is kept, and the network computes what it always does.

    Attributes:
        found: of each attention in the order of the pass, averaged over heads, (image, token,
            token); rows are who asks. Attention in windows has more of them than images.
    """

    def __init__(self, images: int) -> None:
        super().__init__()
        self.images = images
        self.found: list[Tensor] = []

    def handles(self, name: str) -> bool:
        return name in (_SCALED, "softmax")

    def call(
        self, name: str, ordinal: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        result = func(*args, **kwargs)
        if name == _SCALED:
            self.found.append(_over_heads(_scaled(*args, **kwargs)))
        elif isinstance(result, Tensor):
            axis = kwargs.get("dim", args[1] if len(args) > 1 else None)
            if axis in (-1, result.dim() - 1) and self._among_tokens(result):
                self.found.append(_over_heads(result))
        return result

    def _among_tokens(self, shares: Tensor) -> bool:
        """Whether a softmax is attention: (image, head, token, token), or of one head alone."""
        shape = shares.shape
        square = len(shape) > 2 and shape[-1] == shape[-2] > 1
        return square and (len(shape) == 4 or (len(shape) == 3 and shape[0] == self.images))


def _scaled(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """The weights that torch.nn.functional.scaled_dot_product_attention does not give out."""
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    logits = query @ key.transpose(-2, -1) * factor
    if is_causal:
        attn_mask = torch.ones_like(logits, dtype=torch.bool).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        logits = logits.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        logits = logits + attn_mask
    return logits.softmax(-1)


def _over_heads(weights: Tensor) -> Tensor:
    """Averaged over heads, the third axis from behind; windows count as images."""
    return weights.mean(-3).flatten(0, -3) if weights.dim() > 3 else weights
