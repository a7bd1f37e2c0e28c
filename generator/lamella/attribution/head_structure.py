"""The structure of a network's head: how its last maps become scores.

Flow: dataflow -> **head_structure** -> heads. The scores are followed backwards. Two heads keep the
place where a score comes from: the mean over all positions and then one linear layer
(`pool-linear`), and a 1 x 1 convolution to maps of classes and then the mean (`conv-pool`).

Sources: Lin, Chen and Yan 2014, "Network in network", arXiv:1312.4400, for both; Zhou et al. 2016,
arXiv:1512.04150, for what they are good for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from lamella.network.activations import Address
from lamella.network.dataflow import Dataflow, is_tokens
from lamella.network.passes import MAXIMA, MEANS, PASSING, Op
from lamella.places.field import Field
from lamella.places.layout import Layout
from lamella.places.values import ACTIVATIONS, NORMS


@dataclass(frozen=True, slots=True)
class Head:
    """What stands between the last maps and the scores.

    Attributes:
        kind: "pool-linear" or "conv-pool"; "" for any other head, and `reason` alone is set then.
        reason: why CAM is not defined, a sentence for the reader.
        layer: the name of the linear layer or 1 x 1 convolution.
        maps: the last activations, (image, channel, row, column): what `weight` weighs.
        class_maps: of `conv-pool`, the maps of classes as they are averaged.
        weight: (class, channel). A score is the mean over positions of what it makes of the maps
            plus the bias; of `conv-pool` with an activation function, after that function.
        bias: (class,).
        sources: of each channel of the maps the unit, (layer name, channel), that it carries; the
            last one where it is a sum of several, None where that is not known. Where a
            normalization stands between the two, it rescales that unit.
        field: the receptive field of the maps.
        activation: the function between `conv-pool`'s convolution and its mean; "" for none.
    """

    kind: str = ""
    reason: str = ""
    layer: str = ""
    maps: Address | None = None
    class_maps: Address | None = None
    weight: Tensor | None = None
    bias: Tensor | None = None
    sources: tuple[tuple[str, int] | None, ...] = ()
    field: Field | None = None
    activation: str = ""

    @property
    def pool_first(self) -> bool:
        """Whether the mean stands before the weights."""
        return self.kind == "pool-linear"


class OtherHead(Exception):
    """The head is neither of the two; why, as the end of a sentence."""


def read_head(dataflow: Dataflow) -> Head:
    """The head that a network has.

    Raises:
        OtherHead: it has neither of the two.
    """
    last = dataflow.behind_passing(dataflow.scores)
    if last is None:
        raise OtherHead("how the scores are made of the last maps cannot be followed")
    if last.name in MEANS:
        return _conv_pool(dataflow, last)
    if not _is_linear(last):
        raise OtherHead(f"the scores come from {_called(last)}, not from a linear layer or a mean")
    return _described("pool-linear", last, _averaged(dataflow, _pooled(dataflow, last)), dataflow)


def _is_linear(op: Op) -> bool:
    """A linear layer, or a 1 x 1 convolution: one weight for each input of each output."""
    if op.name == "linear":
        return True
    kernel = op.kernel
    if op.name != "conv2d" or kernel is None or kernel.groups != 1:
        return False
    return kernel.weight.shape[2:] == (1, 1) and kernel.source.shape[2:] == op.value.shape[2:]


def _called(op: Op) -> str:
    """An operation in the reader's words."""
    if op.kernel is not None and op.name == "conv2d":
        return f"a convolution of {op.kernel.weight.shape[2]} x {op.kernel.weight.shape[3]}"
    if op.name in NORMS:
        return f"a normalization ({op.name})"
    if op.name in ACTIVATIONS:
        return f"an activation function ({op.name})"
    if op.name in MAXIMA:
        return "a maximum over positions"
    return "another linear layer" if op.name == "linear" else f"the operation {op.name!r}"


def _pooled(dataflow: Dataflow, linear: Op) -> Op:
    """The mean that a linear layer reads.

    Raises:
        OtherHead: it reads something else.
    """
    assert linear.kernel is not None
    after, between = linear, list[Op]()
    for op in dataflow.back(dataflow.before(linear)):
        shape = op.value.shape
        if len(shape) == 4 and max(shape[2:]) > 1 and len(after.value.shape) == 2:
            raise OtherHead(
                f"the last maps, {shape[1]} channels of {shape[2]} x {shape[3]} positions, are "
                f"flattened into {math.prod(shape[1:]):,} numbers, and each has a weight of its own"
            )
        if is_tokens(op) and op.name not in PASSING | MEANS:
            raise OtherHead("the scores are read off tokens, not off the mean of maps")
        if op.name in MEANS:
            if between:
                raise OtherHead(
                    f"{_listed(between)} between the mean over positions and the scores"
                )
            return op
        if op.name not in PASSING | ACTIVATIONS | NORMS and not _is_linear(op):
            raise OtherHead(f"the linear layer reads {_called(op)}, not the mean over positions")
        if op.name not in PASSING:
            between.append(op)
        after = op
    raise OtherHead("there is no mean over positions between the image and the scores")


def _listed(ops: Sequence[Op]) -> str:
    """Operations in words, each kind once, from the maps to the scores."""
    called = list(dict.fromkeys(_called(op) for op in reversed(ops)))
    stand = "stands" if len(called) == 1 else "stand"
    return f"{', '.join(called[:-1])}{' and ' if called[1:] else ''}{called[-1]} {stand}"


def _averaged(dataflow: Dataflow, pool: Op) -> Op:
    """What a mean averages; it may be taken in several steps."""
    for op in dataflow.back(dataflow.before(pool)):
        several = len(op.value.shape) == 4 and max(op.value.shape[2:]) > 1
        if several or op.name not in MEANS | PASSING:
            return op
    raise OtherHead("the image itself is averaged")


def _conv_pool(dataflow: Dataflow, pool: Op) -> Head:
    """Maps, a 1 x 1 convolution, perhaps an activation function, the mean."""
    classes = _averaged(dataflow, pool)
    between = list[str]()
    for op in dataflow.back(classes):
        if op.name not in PASSING | ACTIVATIONS:
            break
        between += [op.name] if op.name in ACTIVATIONS else []
    if not _is_linear(op):
        raise OtherHead(
            f"the maps of classes come from {_called(op)}, not from a 1 x 1 convolution"
        )
    maps = dataflow.behind_passing(dataflow.before(op))
    if maps is None:
        raise OtherHead("the maps of classes are made of the image itself")
    head = _described("conv-pool", op, maps, dataflow)
    return replace(head, class_maps=classes.address, activation=between[0] if between else "")


def _described(kind: str, op: Op, maps: Op, dataflow: Dataflow) -> Head:
    """A head, of the operation that weighs the maps."""
    assert op.kernel is not None
    weight = op.kernel.weight.detach().flatten(1)
    shape = maps.value.shape
    if len(shape) != 4:
        raise OtherHead("the mean is taken over tokens, not over the rows and columns of maps")
    # Where the rules of the flow lost track of the layout, the number of channels tells the axis.
    axes = [axis for axis in (maps.value.axis, 1, 3) if shape[axis] == weight.shape[1]]
    if not axes:
        raise OtherHead("the weights are for more than the channels of the last maps")
    return Head(
        kind=kind,
        layer=op.layer,
        maps=replace(maps.address, layout=Layout(axes[0], placed=True, straight=True)),
        weight=weight,
        bias=weight.new_zeros(len(weight)) if op.kernel.bias is None else op.kernel.bias.detach(),
        sources=_sources(dataflow, maps, weight.shape[1]),
        field=maps.value.field,
    )


def _sources(dataflow: Dataflow, maps: Op, channels: int) -> tuple[tuple[str, int] | None, ...]:
    """Whose channels maps carry."""
    found: list[tuple[str, int] | None] = []
    for count, layers, each in maps.value.runs or ((channels, (), 1),):
        last = dataflow.last_of(layers) if layers else None
        found += [last and (last[0], last[1] + at // each) for at in range(count)]
    return tuple(found)
