"""Which of a network's results are its class scores, where it returns several.

Flow: config -> **outputs** -> model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lamella.errors import ModelError, did_you_mean

USUAL = ("logits", "out", "output", "outputs", "scores", "pred", "prediction", "predictions")


@dataclass(frozen=True, slots=True)
class Pick:
    """A forward hook that hands out one of several results."""

    key: Any

    def __call__(self, module: object, given: object, results: Any) -> Any:
        """That one; `None` would leave all."""
        return results[self.key]


def pick_output(module: nn.Module, wanted: str, image: Tensor) -> list[str]:
    """Let a network return its class scores alone, where it returns more; what there is to say.

    Args:
        wanted: the name or the number of the result; "" to find it.
        image: an input, (1, channel, row, column).
    Raises:
        ModelError: there is no such result.
    """
    try:
        with torch.no_grad():
            results = module(image)
    except Exception:  # said by whoever reads the network, with what helps
        return []
    named = _named(results)
    if wanted and wanted not in named:
        is_one = isinstance(results, Tensor)
        raise ModelError(
            f"[model] output is {wanted!r}, and the network returns "
            f"{'a single tensor' if is_one else ', '.join(named) or type(results).__name__}.",
            "Leave output out." if is_one else did_you_mean(wanted, list(named), otherwise=""),
        )
    key = wanted or _found(named)
    if not key:
        return []
    module.register_forward_hook(Pick(named[key][0]))
    others = len(named) - 1
    return [f"Of its {len(named)} results `{key}` counts as its class scores."] if others else []


def _named(results: Any) -> dict[str, tuple[Any, Any]]:
    """Results by name or number, each with the key that gets it and itself."""
    if isinstance(results, Mapping):
        return {str(key): (key, value) for key, value in results.items()}
    if isinstance(results, Sequence):
        fields = getattr(results, "_fields", ())
        found = {str(at): (at, value) for at, value in enumerate(results)}
        return {str(name): found[str(at)] for at, name in enumerate(fields)} or found
    return {}


def _found(named: Mapping[str, tuple[Any, Any]]) -> str:
    """The result that is a vector of several numbers: the only one, or the one of a usual name."""
    vectors = [key for key, (_, value) in named.items() if _is_vector(value)]
    usual = [key for key in USUAL if key in vectors]
    if len(vectors) == 1 or usual:
        return (usual or vectors)[0]
    return "0" if vectors and vectors[0] == "0" else ""


def _is_vector(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dim() == 2 and value.shape[1] > 1
