"""The layers of a network, read off one forward pass of it.

Flow: recording -> **trace** -> model. Each operation of the pass that has learned kernels is a
layer, observed behind the normalization and the activation function that follow it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from lamella.errors import ModelError
from lamella.network.activations import Address, Anchor
from lamella.network.outputs import embedded, inflows
from lamella.network.passes import PRODUCTS, Op, Pass
from lamella.network.recording import recorded
from lamella.network.units import OTHER_HALF, Layer, Segment
from lamella.network.written_out import function_behind, joint_behind
from lamella.places.rearranging import REARRANGING
from lamella.places.values import ACTIVATIONS, IDENTITIES, NORMS


@dataclass(frozen=True, slots=True)
class Traced:
    """A layer, and where in a pass its values arise.

    Attributes:
        layer: the layer.
        observed: its activation, behind normalization and activation function.
        target: the value before that activation function, for feature visualization.
        kernel: its weights, (channel, input, row, column).
    """

    layer: Layer
    observed: Address
    target: Address
    kernel: Tensor


@dataclass(frozen=True, slots=True)
class Examination:
    """The layers of a network, and what took part in a pass without being one.

    Attributes:
        traced: in the order in which they run.
        left_out: layers whose values are not one per image, and parameters that no layer reads:
            each by its name, with the reason.
        outside: the names of those parameters.
        outputs: how many numbers the network gives for an image; None where they are no vector.
        embedding: what they come from, where they are seen to be no class scores.
    """

    traced: tuple[Traced, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    outside: tuple[str, ...] = ()
    outputs: int | None = None
    embedding: str = ""


def examined(
    network: nn.Module,
    size: tuple[int, int],
    channels: int = 3,
    memory_format: torch.memory_format = torch.contiguous_format,
    example: Tensor | None = None,
) -> Examination:
    """The layers of a network, from a pass over one image and one over two.

    A layer whose values cannot be told apart by images is nobody's, and is left out.

    Args:
        example: the input, (1, channel, row, column); zeros for None.
    Raises:
        ModelError: it does not run on such inputs, or has no layer with learned kernels.
    """
    seen = recorded(network, size, channels, memory_format=memory_format, example=example)
    left_out = []
    kept = []
    for op in seen.ops:
        if op.layer and op.layout is None:
            words = " x ".join(map(str, op.value.shape))
            left_out.append((op.layer, f"its values are not one per image, but {words}"))
        elif op.layer:
            kept.append(_described(seen, op))
    into = inflows(seen.ops, {traced.layer.name for traced in kept})
    kept = [replace(one, layer=replace(one.layer, follows=into[one.layer.name])) for one in kept]
    if not kept and not left_out:
        raise ModelError(
            "The network has no convolution or linear layer that torch can see.",
            "A scripted or compiled module hides its operations: give the plain nn.Module.",
        )
    if not kept:
        raise ModelError(
            f"None of the {len(left_out)} layers of the network has values for each image: "
            f"{left_out[0][0]}: {left_out[0][1]}."
        )
    left_out += [
        (name, f"a parameter that {operation} reads, which is no layer here")
        for name, operation in seen.outside.items()
    ]
    given = seen.ops[seen.output].value.shape if seen.output >= 0 else ()
    outputs = given[1] if len(given) == 2 else None
    left_out += [
        (path, "scripted: its operations cannot be seen, and what its parameters do neither")
        for path, part in network.named_modules()
        if isinstance(part, torch.jit.ScriptModule)
    ]
    embedding = embedded(seen) if outputs and outputs > 1 else ""
    return Examination(tuple(kept), tuple(left_out), tuple(seen.outside), outputs, embedding)


def trace(network: nn.Module, size: tuple[int, int], channels: int = 3) -> tuple[Traced, ...]:
    """The layers of a network in the order in which they run; the network stays as it is.

    Args:
        network: in eval mode.
        size: height and width of its input, in pixels.
        channels: of its input.
    Raises:
        ModelError: it does not run on such an input, or has no layer with learned kernels.
    """
    return examined(network, size, channels).traced


def _behind(ops: Sequence[Op], op: Op, output: int) -> tuple[Op, Op, str | None]:
    """The operations that yield a layer's activation, and the value before its activation function;
    the name of that.

    A normalization and an activation function may stand behind a transposition.
    """
    observed = target = last = op
    place = next(at for at, one in enumerate(ops) if one is op)
    while len(last.users) == 1:
        following = ops[last.users[0]]
        if not _same_units(op, following):
            break
        if following.name in ACTIVATIONS:
            return following, target, following.name
        if following.name in NORMS | IDENTITIES:
            observed = target = following
        elif following.name not in REARRANGING:
            break
        place, last = last.users[0], following
    written = function_behind(ops, place, output)
    if written is None or not _same_units(op, ops[written.behind]):
        return observed, target, None
    if written.before != place:
        target = ops[written.before]
    return ops[written.behind], target, written.name


def _same_units(op: Op, following: Op) -> bool:
    """Whether an operation's result has the units of a layer, at the same positions."""
    one, other = op.value, following.value
    if one.shape == other.shape and one.axis == other.axis:
        return True
    layouts = op.layout, following.layout
    grids = [(each.rows, each.columns, each.apart) for each in layouts if each is not None]
    return (
        len(grids) == 2 and grids[0] == grids[1] and one.runs is not None and one.runs == other.runs
    )


def _multiplied(ops: Sequence[Op], place: int) -> str:
    """By what an operation's result is multiplied, number by number, in GLU and its kin: the names
    of layers, OTHER_HALF of its own; "" for nothing."""
    while len(set(ops[place].users)) == 1:
        before, place = place, ops[place].users[0]
        op = ops[place]
        if op.name == "glu":
            return OTHER_HALF
        if op.name in PRODUCTS:
            if op.operands.count(before) > 1:
                return OTHER_HALF
            others = [each for each in op.operands if each not in (before, -1)]
            alike = [each for each in others if ops[each].value.shape == op.value.shape]
            runs = ops[alike[0]].value.runs if alike else ()
            names = {name: None for _, layers, _ in runs or () for name, _ in layers}
            return " + ".join(names) if names or not alike else "values of another branch"
        if op.name not in REARRANGING | IDENTITIES:
            return ""
    halves = ops[place].name in {"chunk", "split", "tensor_split", "unbind"}
    joint = joint_behind(ops, place) if halves else None
    return OTHER_HALF if joint is not None and ops[joint].name in PRODUCTS else ""


def _described(seen: Pass, op: Op) -> Traced:
    assert op.kernel is not None and op.layout is not None
    observed, target, activation = _behind(seen.ops, op, seen.output)
    place = next(at for at, one in enumerate(seen.ops) if one is observed)
    kernel, groups = op.kernel.weight.detach(), op.kernel.groups
    kernel = kernel.reshape(*kernel.shape, *(1,) * (4 - kernel.dim()))
    places, first, sources = observed.value.places, 0, []
    for count, layers, positions in op.kernel.source.runs or ():
        sources.append(Segment(first, count, layers, positions))
        first += count
    if op.kernel.weight.dim() == 2:
        kind = "linear"
    else:
        kind = "transposed convolution" if op.name == "conv_transpose2d" else "convolution"
        if groups > 1:
            kind = f"{'depthwise' if kernel.shape[1] == 1 else 'grouped'} {kind}"
    layer = Layer(
        name=op.layer,
        kind=kind,
        channels=op.value.shape[op.value.axis],
        height=op.layout.rows,
        width=op.layout.columns,
        field=op.value.field if op.layout.placed else None,
        kernel=(kernel.shape[2], kernel.shape[3]),
        inputs=kernel.shape[1],
        groups=groups,
        activation=activation,
        sources=tuple(sources),
        placed=op.layout.placed,
        apart=op.layout.apart,
        gated=places is not None and places.gated and places.field is not None,
        multiplied=_multiplied(seen.ops, place),
    )
    return Traced(layer, _anchored(op, observed), _anchored(op, target), kernel)


def _anchored(op: Op, value: Op) -> Address:
    """The address of a layer's value, which tells its weights as well."""
    assert op.kernel is not None
    anchor = Anchor(op.function, op.ordinal, op.kernel.parameter, value.at - op.at)
    return replace(value.address, anchor=anchor)
