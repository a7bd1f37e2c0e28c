"""Which layer feeds which, with a joint wherever several flow together.

Flow: units -> **graph** -> blocks -> diagram. The trace says of each layer whose values flow into
it. Several at once meet in a joint; a joint that holds all of an earlier one, and more, is fed by
it. So the long list of layers behind a residual sum becomes a chain of sums.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lamella.network.units import Layer

IMAGE = ""
Node = str | int  # a layer by its name, the image, a joint by its number


@dataclass(frozen=True, slots=True)
class Graph:
    """The layers of a network and the joints between them.

    Attributes:
        into: of each node the nodes that feed it, themselves before it in this order.
        kinds: of each joint "sum", "concatenation", or "" where that was not traced.
        untraced: layers of which nothing is known but when they run: fed by the one before them,
            for want of better.
    """

    into: Mapping[Node, tuple[Node, ...]]
    kinds: Mapping[int, str]
    untraced: frozenset[str]


def graph_of(layers: Sequence[Layer]) -> Graph:
    """The graph of layers, in the order in which they run."""
    into: dict[Node, tuple[Node, ...]] = {}
    kinds: dict[int, str] = {}
    joints: dict[frozenset[str], int] = {}  # by all that flows together there
    untraced = set()
    for before, layer in zip((None, *layers), layers, strict=False):
        behind = [name for name in _behind(layer) if name == IMAGE or name in into]
        if not behind:
            untraced.add(layer.name)
            behind = [before.name] if before else []
        if IMAGE in behind:
            into.setdefault(IMAGE, ())
        if len(behind) > 1:
            whole = frozenset(behind)
            if whole not in joints:
                joints[whole] = len(joints)
                into[joints[whole]] = _parts(behind, joints)
                kinds[joints[whole]] = _kind(layer, whole)
            into[layer.name] = (joints[whole],)
        else:
            into[layer.name] = tuple(behind)
    return Graph(into, kinds, frozenset(untraced))


def _behind(layer: Layer) -> tuple[str, ...]:
    """Whose values flow into a layer; of stores from before, as far as its channels tell."""
    if layer.follows:
        return layer.follows
    named = [name for segment in layer.sources for name, _ in segment.layers or ((IMAGE, 0),)]
    return tuple(dict.fromkeys(named))


def _parts(behind: Sequence[str], joints: Mapping[frozenset[str], int]) -> tuple[Node, ...]:
    """What feeds a new joint: the largest earlier ones that it holds, and what is left."""
    left = set(behind)
    found: list[Node] = []
    for whole, joint in sorted(joints.items(), key=lambda item: (-len(item[0]), -item[1])):
        if whole <= left and len(whole) < len(behind):
            found.append(joint)
            left -= whole
    return (*found, *(name for name in behind if name in left))


def _kind(layer: Layer, whole: frozenset[str]) -> str:
    """How values come together before a layer, if its channels tell where all of them are."""
    runs = [segment.layers or ((IMAGE, 0),) for segment in layer.sources]
    if {name for run in runs for name, _ in run} != whole:
        return ""
    if all(len(run) > 1 for run in runs):
        return "sum"
    return "concatenation" if all(len(run) == 1 for run in runs) else ""
