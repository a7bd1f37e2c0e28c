"""What comes of what in a pass: which results are class scores, if any, and which layers flow into
which.

Flow: passes -> **outputs** -> trace, loading.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from lamella.errors import ModelError, did_you_mean
from lamella.network.passes import ENDS, MAXIMA, MEANS, PASSING, PRODUCTS, QUOTIENTS, Op, Pass
from lamella.places.values import ACTIVATIONS, NORMS

# Operations that take of a tensor its shape and type, and none of its numbers.
LIKE = frozenset(
    [f"new_{what}" for what in ("zeros", "ones", "full", "empty", "tensor")]
    + [f"{what}_like" for what in ("zeros", "ones", "full", "empty", "rand", "randn")]
)
NONE = "none"  # in place of the name of a result: it is no class scores
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
        wanted: the name or the number of the result; "" to find it, "none" for no class scores.
        image: an input, (1, channel, row, column).
    Raises:
        ModelError: there is no such result.
    """
    wanted = "" if wanted == NONE else wanted
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


def embedded(seen: Pass) -> str:
    """What a network's output comes from, where that is seen to be no class scores; "" otherwise.

    Class scores come out of a linear layer or a 1 x 1 convolution. Behind it they may be averaged,
    added to those of another head, scaled, and made probabilities; SqueezeNet rectifies them.
    """
    ops, waiting, known = seen.ops, [(seen.output, False)], set[tuple[int, bool]]()
    while waiting:
        place, pooled = waiting.pop()
        if place < 0 or (place, pooled) in known:
            continue
        known.add((place, pooled))
        op = ops[place]
        before = [each for each in op.operands if each >= 0]
        maps = prod(op.value.shape[2:]) > 1
        if op.kernel is not None:
            if maps and op.kernel.weight.shape[2:].numel() > 1:
                return f"the features of {op.layer}"
        elif op.name in NORMS or op.name == "normalize":
            return "a normalization"
        elif op.name in ACTIVATIONS - ENDS:
            if not (pooled and op.name == "relu" and before and ops[before[0]].kernel is not None):
                return f"an activation function, {op.name}"
            waiting.append((before[0], pooled))
        elif op.name in PASSING | ENDS | MEANS | MAXIMA | {"sum"}:
            fewer = op.name not in PASSING and bool(before)
            fewer = fewer and prod(ops[before[0]].value.shape) > prod(op.value.shape)
            waiting += [(each, pooled or fewer) for each in before[:1]]
        elif op.formula is not None or op.name in {"cat", "concat", "stack"}:
            whole = [each for each in before if ops[each].value.shape == op.value.shape]
            if len(whole) < len(before) and op.name in PRODUCTS | QUOTIENTS:
                return "a normalization"  # by a number that is made of all of them
            waiting += [(each, pooled) for each in (whole if op.formula else before)]
    return ""


def no_scores(wanted: str, outputs: int | None, source: str, names: int) -> str:
    """Why a network's output counts as no class scores, in words; "" where it does.

    Args:
        wanted: as [model] output has it.
        outputs: how many numbers it is; None for no vector.
        source: what it comes from, as `embedded` has it.
        names: how many names of classes are known.
    """
    if wanted == NONE:
        return "The network gives no class scores: so says [model] output."
    if not source or names == outputs:
        return ""
    return (
        f"The network's output, {outputs} numbers, counts as an embedding and not as class scores: "
        f"it comes from {source}. If it is class scores, name them in [model] classes."
    )


def inflows(ops: Sequence[Op], layers: Set[str]) -> dict[str, tuple[str, ...]]:
    """For each of these layers, those whose values flow into it with no other of them between, in
    the order of the pass; "" is the image."""
    place = {"": -1}
    behind: list[frozenset[str]] = []  # of each operation, whose values its result is made of
    found = {}
    for op in ops:
        into = frozenset({""} if -1 in op.operands else ())
        into = into.union(*(behind[at] for at in op.operands if at >= 0))
        if op.name in LIKE:
            into = frozenset()
        if op.layer in layers:
            place[op.layer] = len(place)
            found[op.layer] = tuple(sorted(into, key=place.__getitem__))
            into = frozenset({op.layer})
        behind.append(into)
    return found
