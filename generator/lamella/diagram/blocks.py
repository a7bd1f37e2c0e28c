"""Which layers are drawn together, as one block: those under one module path.

Flow: graph -> **blocks** -> diagram. A block is the module nearest the top in which no chain of
layers is too long for one row: of ResNet-50 `layer3.0`, of ResNet-18 all of `layer3`.
"""

from collections.abc import Iterable, Mapping, Sequence

from lamella.diagram.graph import Graph, Node

LONGEST = 5  # layers of a chain that one row has room for


def blocks(graph: Graph) -> dict[Node, str]:
    """The module path of the block that a layer or joint is in; those in none are left out.

    What flows out of a block never comes back into it.
    """
    layers = [node for node in graph.into if isinstance(node, str) and node]
    found: dict[Node, str] = _by_path(graph, layers)
    for joint, parts in graph.into.items():
        if isinstance(joint, int) and (block := _of_joint(graph, found, joint, parts)):
            found[joint] = block
    while knots := _knots(graph, found):
        for knot in knots:
            named = {found[node] for node in knot if node in found}
            alone = [node for node in knot if node not in found]
            if len(named) == 1 and all(isinstance(node, int) for node in alone):
                found |= dict.fromkeys(alone, *named)
            else:
                found = {node: block for node, block in found.items() if block not in named}
    return found


def _by_path(graph: Graph, layers: Sequence[str]) -> dict[Node, str]:
    under: dict[str, list[str]] = {}
    for name in layers:
        parts = name.split(".")
        for end in range(1, len(parts)):
            under.setdefault(".".join(parts[:end]), []).append(name)
    found: dict[Node, str] = {}
    for path, inside in sorted(under.items(), key=lambda item: (item[0].count("."), item[0])):
        if len(inside) > 1 and inside[0] not in found and _longest(graph, inside) <= LONGEST:
            found |= dict.fromkeys(inside, path)
    return found


def _longest(graph: Graph, inside: Iterable[str]) -> int:
    """How many layers the longest chain within a module has; one between them may lie outside."""
    own = set(inside)
    depth: dict[Node, int] = {}
    for node, parts in graph.into.items():
        depth[node] = max((depth[part] for part in parts), default=0) + (node in own)
    return max(depth[node] for node in own)


def _of_joint(
    graph: Graph, found: Mapping[Node, str], joint: Node, parts: Sequence[Node]
) -> str | None:
    """The block of the last layer that flows into a joint, if the others flow into it as well."""
    order = list(graph.into)
    block = found.get(max(parts, key=order.index))
    fed = {part for node, into in graph.into.items() if found.get(node) == block for part in into}
    inside = all(found.get(part) == block or part in fed for part in parts)
    return block if inside else None


def _knots(graph: Graph, found: Mapping[Node, str]) -> list[list[Node]]:
    """For each block that flows back into itself, all that lies on the way, and itself."""

    def row(node: Node) -> tuple[Node, bool]:
        return (found[node], True) if node in found else (node, False)

    feeds: dict[tuple[Node, bool], set[tuple[Node, bool]]] = {}
    for node, parts in graph.into.items():
        for part in parts:
            if row(part) != row(node):
                feeds.setdefault(row(part), set()).add(row(node))

    def reached(start: tuple[Node, bool]) -> set[tuple[Node, bool]]:
        seen: set[tuple[Node, bool]] = set()
        waiting = [start]
        while waiting:
            new = feeds.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        return seen

    beyond = {one: reached(one) for one in feeds}
    knots = []
    for path in dict.fromkeys(found.values()):
        own = path, True
        circle = {one for one in beyond.get(own, ()) if own in beyond.get(one, ())}
        if circle:
            knots.append([node for node in graph.into if row(node) in circle])
    return knots
