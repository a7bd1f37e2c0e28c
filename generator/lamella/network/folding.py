"""Batch normalizations folded into the convolutions before them, while a network runs.

Flow: model, function_mode -> **folding** -> feature_visualization, activation_atlas. In evaluation
mode a normalization is a fixed factor and offset per channel, which the convolution can carry: a
fifth of the time of a small mobile network. The user's module keeps its weights; each call is
handed the folded ones, and the normalization is passed by. Every call still happens, so addresses
stay what they were.

Source: Jacob et al. 2018, arXiv:1712.05877, section 3.2; the formula is that of batch
normalization, Ioffe and Szegedy 2015, arXiv:1502.03167.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lamella.network.activations import Watch
from lamella.network.function_mode import FunctionMode

CONVOLUTION, NORMALIZATION = "conv2d", "batch_norm"
# The arguments of torch.nn.functional.batch_norm, in their order.
_NORM = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")


@dataclass(frozen=True, slots=True)
class Fold:
    """One convolution call that carries a normalization: its weight and bias, and the ordinal of
    the normalization's call."""

    weight: Tensor
    bias: Tensor
    normalization: int


@torch.no_grad()
def folds_of(network: nn.Module, inputs: Tensor) -> dict[int, Fold]:
    """What can be folded, by the ordinal of the convolution's call.

    A normalization by fixed statistics whose input comes straight from a convolution, and goes
    nowhere else.
    """
    made: dict[int, tuple[int, Tensor, tuple[Any, ...], dict[str, Any]]] = {}
    uses: Counter[int] = Counter()
    pairs: list[tuple[int, int, dict[str, Any]]] = []  # convolution, normalization, its arguments
    kept: list[Any] = []  # an id is a tensor's own only while the tensor lives

    def see(
        name: str, ordinal: int, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        uses.update(id(each) for each in (*args, *kwargs.values()) if isinstance(each, Tensor))
        uses.update(id(one) for each in args if isinstance(each, list | tuple) for one in each)
        kept.append(result)
        if name == CONVOLUTION and isinstance(result, Tensor):
            made[id(result)] = (ordinal, result, args, kwargs)
        elif name == NORMALIZATION:
            stated = dict(zip(_NORM, args, strict=False)) | kwargs
            fixed = not stated.get("training") and stated.get("running_mean") is not None
            if fixed and id(stated["input"]) in made:
                pairs.append((id(stated["input"]), ordinal, stated))

    with Watch(see):
        network(inputs)
    found = {}
    for source, normalization, stated in pairs:
        if uses[source] == 1:
            ordinal, _, args, kwargs = made[source]
            found[ordinal] = _folded(args, kwargs, stated, normalization)
    return found


def _folded(
    args: tuple[Any, ...], kwargs: dict[str, Any], stated: dict[str, Any], normalization: int
) -> Fold:
    weight: Tensor = args[1] if len(args) > 1 else kwargs["weight"]
    bias: Tensor | None = args[2] if len(args) > 2 else kwargs.get("bias")
    mean, variance = stated["running_mean"].double(), stated["running_var"].double()
    factor = (variance + stated.get("eps", 1e-5)).rsqrt()
    if stated.get("weight") is not None:
        factor = factor * stated["weight"].double()
    offset = (bias.double() if bias is not None else 0) - mean
    shift = offset * factor
    if stated.get("bias") is not None:
        shift = shift + stated["bias"].double()
    wide = weight.double() * factor[:, None, None, None]
    return Fold(
        wide.to(weight.dtype).contiguous(memory_format=torch.channels_last),
        shift.to(weight.dtype),
        normalization,
    )


class Folding(FunctionMode):
    """While it is entered, convolutions carry the normalizations behind them."""

    def __init__(self, folds: Mapping[int, Fold]) -> None:
        super().__init__()
        self.folds = folds
        self.passed = {fold.normalization for fold in folds.values()}

    def handles(self, name: str) -> bool:
        return name in (CONVOLUTION, NORMALIZATION)

    def call(
        self, name: str, ordinal: int, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if name == NORMALIZATION:
            if ordinal in self.passed:
                return args[0] if args else kwargs["input"]
            return func(*args, **kwargs)
        fold = self.folds.get(ordinal)
        if fold is None:
            return func(*args, **kwargs)
        given = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
        given |= {"weight": fold.weight, "bias": fold.bias}
        return func(given.pop("input"), given.pop("weight"), given.pop("bias"), *args[3:], **given)
