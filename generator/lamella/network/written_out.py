"""Activation functions that a network writes out: `x * torch.sigmoid(x)`, `x.clamp(min=0)`.

Flow: passes -> **written_out** -> trace. Operations number by number that all derive from one
value, and come together again in one, through which everything goes that is made of it, are one
function of that value. They are carried out again on a line of numbers: which function it is, is
seen by its values and not by how it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lamella.network.passes import Op
from lamella.network.units import OWN, OWN_POSITIVE, OWN_SMOOTH

MOST = 12  # joints that are looked at behind a value
NEAR = 1e-5  # between functions that are one
DIP = -0.4  # what counts as a little negative, as behind GELU and hardswish

# Where functions are compared: densely where they bend, and far out.
_FAR = [20.0, 50.0, 100.0, 1e3, 1e4]
_POINTS = torch.tensor(
    [*(-far for far in reversed(_FAR)), *(at / 10 for at in range(-120, 121)), *_FAR],
    dtype=torch.float64,
)
_ZERO, _ONE = len(_FAR) + 120, len(_FAR) + 130
_KNOWN: Sequence[tuple[str, Callable[[Tensor], Tensor]]] = (
    ("relu", F.relu),
    ("relu6", F.relu6),
    ("gelu", F.gelu),
    ("gelu", lambda x: F.gelu(x, approximate="tanh")),
    ("quick_gelu", lambda x: x * torch.sigmoid(1.702 * x)),
    ("silu", F.silu),
    ("mish", F.mish),
    ("hardswish", F.hardswish),
    ("hardsigmoid", F.hardsigmoid),
    ("sigmoid", torch.sigmoid),
    ("tanh", torch.tanh),
    ("hardtanh", F.hardtanh),
    ("softplus", F.softplus),
    ("softsign", F.softsign),
    ("elu", F.elu),
    ("selu", F.selu),
    ("logsigmoid", F.logsigmoid),
)


@dataclass(frozen=True, slots=True)
class WrittenOut:
    """An activation function that was found.

    Attributes:
        before, behind: the places of the operations that yield what it is given, and its result.
        name: of the function that it is; one of its own where it is none that is known.
    """

    before: int
    behind: int
    name: str


def function_behind(ops: Sequence[Op], start: int, output: int) -> WrittenOut | None:
    """The activation function behind an operation's result; None where there is none.

    What only scales and shifts is none, but may stand before one, as a normalization does.

    Args:
        start: the place of that operation.
        output: the place of the one that yields the network's output.
    """
    inside, joints = _joined(ops, start, output)
    values = _computed(ops, start, inside)
    straight: list[int] = [start]
    bent: list[int] = []
    for place in joints:
        if place not in values:
            break
        if bent or not _is_straight(values[start], values[place]):
            bent.append(place)
        else:
            straight.append(place)
    for behind in reversed(bent):
        for before in reversed(straight):
            if name := _known(values[before], values[behind]):
                return WrittenOut(before, behind, name)
    return WrittenOut(straight[-1], bent[0], _own(values[bent[0]])) if bent else None


def joint_behind(ops: Sequence[Op], start: int) -> int | None:
    """The place of the first value through which all goes that is made of one, number by number."""
    return next(iter(_joined(ops, start, -1)[1]), None)


def _joined(ops: Sequence[Op], start: int, output: int) -> tuple[list[int], list[int]]:
    """The operations number by number on one value alone, and those of them whose results all goes
    through that is made of it."""
    shape = ops[start].value.shape
    inside = {start}
    joints: list[int] = []
    reach = max(ops[start].users, default=start)
    place = start
    while place < reach and output not in inside and len(joints) < MOST:
        place += 1
        op = ops[place]
        if inside.isdisjoint(op.operands):
            continue
        if op.formula is None or op.value.shape != shape or not inside.issuperset(op.operands):
            break
        inside.add(place)
        if place == reach:
            joints.append(place)
        reach = max([reach, *op.users])
    return sorted(inside - {start}), joints


def _computed(ops: Sequence[Op], start: int, inside: Sequence[int]) -> dict[int, Tensor]:
    """What operations yield for a line of numbers, (point, ...), in the place of the first."""
    value = ops[start].value
    axis = value.axis - len(value.shape)
    formulas = {place: formula for place in inside if (formula := ops[place].formula)}
    several = any(one.numel() > 1 for each in formulas.values() for one in each.constants)
    line = _POINTS.reshape(-1, *(1,) * len(value.shape))
    if several:  # each channel may have a function of its own
        line = line.expand(-1, *(1,) * value.axis, value.shape[axis], *(1,) * (-axis - 1))
    values = {start: line}
    for place, formula in formulas.items():
        try:
            values[place] = formula.result(values, axis)
        except Exception:  # what it was given besides cannot be carried over
            break
    return values


def _near(one: Tensor, other: Tensor) -> bool:
    """Whether two functions are one; far out, where they can be computed."""
    off = (one - other).abs() / other.abs().clamp(min=1)
    far = torch.ones(len(off), dtype=torch.bool)
    far[len(_FAR) : -len(_FAR)] = False
    unknown = ~off.isfinite() & far.reshape(-1, *(1,) * (off.dim() - 1))
    return bool((unknown | (off <= NEAR)).all())


def _is_straight(line: Tensor, values: Tensor) -> bool:
    """Whether a function only scales and shifts."""
    zero, one = values[_ZERO].double(), values[_ONE].double()
    return _near(zero + (one - zero) * line, values.double())


def _known(before: Tensor, behind: Tensor) -> str:
    """The known function that leads from some values to others; "" for none."""
    before, behind = before.broadcast_to(behind.shape).double(), behind.double()
    of_first = [each.flatten(1)[:, :1] for each in (before, behind)]
    for name, function in _KNOWN:
        if _near(function(of_first[0]), of_first[1]) and _near(function(before), behind):
            return name
    slope = (behind[0] / before[0]).nan_to_num()
    leaky = bool(((slope > 0) & (slope < 1)).all())
    return "leaky_relu" if leaky and _near(before.where(before > 0, slope * before), behind) else ""


def _own(values: Tensor) -> str:
    """What a function is called that is none of the known, by the least of its values."""
    values = values.double()
    least = float(values[values.isfinite()].min())
    return OWN_POSITIVE if least >= 0 else OWN_SMOOTH if least >= DIP else OWN
