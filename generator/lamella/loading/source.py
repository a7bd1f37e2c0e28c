"""A network that a function of the user's own makes.

Flow: user_code -> **source** -> model.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from lamella.config.user_code import Asked, returned
from lamella.errors import ModelError

ASKED = Asked(
    "[model] source",
    "network",
    "Write torchvision:NAME, timm:NAME or FILE.py:FUNCTION.",
    ModelError,
)


def from_file(source: str, locate: Callable[[str], Path]) -> nn.Module:
    """The module that the user's own function returns.

    Args:
        source: `FILE.py:FUNCTION`.
        locate: from a path of atlas.toml to one of this machine.
    Raises:
        ModelError: there is no such function, it fails, or it returns something else than a
            module in eval mode.
    """
    module = returned(source, locate, ASKED)
    function = source.rpartition(":")[2]
    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError(
            f"[model] source: {source} returned a scripted module, which hides its operations.",
            "Return the nn.Module that was scripted or traced, with its weights loaded.",
        )
    if not isinstance(module, nn.Module):
        raise ModelError(
            f"[model] source: {source} returned {type(module).__name__}, not a torch.nn.Module.",
            f"End {function} with `return model.eval()`.",
        )
    packed = [name or "the network" for name, part in module.named_modules() if _quantized(part)]
    if packed:
        raise ModelError(
            f"[model] source: {source} returned a quantized network ({packed[0]}), whose weights "
            "are packed and let no gradient through.",
            "Return it as it was before it was quantized.",
        )
    training = [name or "the network" for name, part in module.named_modules() if part.training]
    if training:
        raise ModelError(
            f"[model] source: {source} returned a network in training mode ({training[0]}).",
            "Dropout and batch norm would give other values at every pass: return model.eval().",
        )
    return module


def _quantized(part: nn.Module) -> bool:
    """Whether a module is one of those that torch's quantization puts in place of others."""
    return ".quantized." in f"{type(part).__module__}."
