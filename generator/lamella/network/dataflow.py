"""From a network's scores back towards its image: which operation made what.

Flow: recording -> **dataflow** -> heads, target_layers, gradcam, rollout. Operations are told apart
by the torch function that was called, never by the names of modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeVar

import torch

from lamella.network.model import Model
from lamella.network.passes import ENDS, MAXIMA, MEANS, PASSING, Op
from lamella.network.recording import recorded
from lamella.places.codes import EXTRA, FIRST, PER_IMAGE

ATTENTION = frozenset({"scaled_dot_product_attention"})

T = TypeVar("T")


def once(model: Model, name: str, make: Callable[[], T]) -> T:
    """What `make` finds out of a model, computed once and kept with it.

    As its own cached properties: a model that `dataclasses.replace` makes starts afresh.
    """
    kept = vars(model)
    key = f"found.{name}"
    if key not in kept:
        # An image set's survey may be under way, in inference mode; this is for gradients too.
        with torch.inference_mode(False):
            kept[key] = make()
    found: T = kept[key]
    return found


def positions(op: Op) -> int:
    """At how many places an operation's result has a number of each channel; 0 for what has no
    rows and columns, or does not keep images apart."""
    shape = op.value.shape
    if len(shape) != 4 or shape[0] != 1:
        return 0
    return shape[1] * shape[2] * shape[3] // max(1, shape[op.value.axis])


def is_tokens(op: Op) -> bool:
    """Whether its result is a sequence for each image: (image, token, feature), or token first."""
    shape = op.value.shape
    several = len(shape) == 3 and prod(shape) > shape[op.value.axis]
    return several and op.layout is not None and op.layout.parts == 1


@dataclass(frozen=True, slots=True)
class Dataflow:
    """The operations of one forward pass.

    Attributes:
        ops: in their order.
        output: the place of the one whose result is the network's output; -1 for none.
    """

    ops: tuple[Op, ...]
    output: int

    def before(self, op: Op) -> Op | None:
        """The operation whose result it works on; None for the image."""
        first = op.operands[0] if op.operands else -1
        return self.ops[first] if first >= 0 else None

    def back(self, op: Op | None) -> Iterator[Op]:
        """An operation, the one whose result it works on, and so on towards the image."""
        while op is not None:
            yield op
            op = self.before(op)

    def behind_passing(self, op: Op | None, passing: frozenset[str] = PASSING) -> Op | None:
        """The operation itself, or the first one back that does more than pass numbers on."""
        return next((one for one in self.back(op) if one.name not in passing), None)

    @property
    def scores(self) -> Op | None:
        """What yields the class scores: the output, or what stands before its softmax."""
        if self.output < 0:
            return None
        output = self.ops[self.output]
        end = self.behind_passing(output)
        return self.before(end) if end is not None and end.name in ENDS else output

    @property
    def last_maps(self) -> Op | None:
        """The last activations with positions before the head, behind no pooling; of a transformer
        its last tokens; None where scores come from neither, or from several at once."""
        for op in self.back(self.scores):
            if op.name in MEANS | MAXIMA:
                continue
            if positions(op) > 1 or (is_tokens(op) and op.name not in PASSING):
                return op
            if op.name in {"cat", "concat", "concatenate"}:
                return None
        return None

    def last_of(self, layers: Sequence[tuple[str, int]]) -> tuple[str, int]:
        """Of several layers, with an offset each, the one that runs last."""
        places = {op.layer: place for place, op in enumerate(self.ops) if op.layer}
        return max(layers, key=lambda pair: places[pair[0]])

    def at(self, function: str, ordinal: int) -> Op:
        """The operation at an address."""
        return next(op for op in self.ops if (op.function, op.ordinal) == (function, ordinal))

    @property
    def class_token(self) -> int | None:
        """Which of the last tokens the scores are read off; None where they are of several, or of a
        patch."""
        reader = next((op for op in self.back(self.scores) if op.kernel is not None), None)
        last, read = self.last_maps, reader and reader.kernel and reader.kernel.source.places
        if last is None or not read or last.value.places is None:
            return None
        wanted = set((read.codes % PER_IMAGE).flatten().tolist())
        tokens = (last.value.places.codes.select(last.value.axis, 0) % PER_IMAGE).flatten().tolist()
        code = wanted.pop()
        apart = not wanted and EXTRA <= code < FIRST and code in tokens
        return tokens.index(code) if apart else None


def dataflow_of(model: Model) -> Dataflow:
    """The operations of a network at its own image size; found once for each model."""

    def find() -> Dataflow:
        seen = recorded(
            model.module,
            model.facts.size,
            model.planes.number,
            example=model.example,
        )
        return Dataflow(seen.ops, seen.output)

    return once(model, "dataflow", find)
