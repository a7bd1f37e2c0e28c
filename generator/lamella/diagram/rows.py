"""The rows of the diagram: a layer alone, or a block, whose layers go from left to right.

Flow: graph, blocks, layered -> **rows** -> diagram. Pure arithmetic, in pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lamella.diagram.graph import Graph, Node
from lamella.diagram.layered import Point, Size, layered
from lamella.network.units import Layer

PICTURES, SIDE = 3, 32  # of a layer, and how large each is
PAD, LETTER, LINE = 6, 6, 16  # around what is in a box; a letter's width, a line's height
NARROW, WIDE = PICTURES * SIDE + 2 * PAD, 168  # a layer's box, whose name may need room
JOINT, PORT = 16, 4
GAP, STEP = 10, 20  # between what stands side by side, and from step to step


@dataclass(frozen=True, slots=True)
class Box:
    """A layer, or what is drawn around a block.

    Attributes:
        name: of the layer; of a block its module path.
        label: as much of the name as has room.
        note: at its right: how many units.
        pictured: whether there is room for pictures below the label.
    """

    name: str
    label: str
    left: int
    top: int
    width: int
    height: int
    note: str = ""
    pictured: bool = False

    def at(self, place: Point) -> "Box":
        """The same box at another place."""
        return replace(self, left=round(place[0]), top=round(place[1]))


@dataclass(frozen=True, slots=True)
class Row:
    """A drawing of its own, which is moved as a whole.

    Attributes:
        places: of the layers and joints in it.
        wires: each by its points.
        frame: what is drawn around a block; None for a node alone.
    """

    size: Size
    places: Mapping[Node, Point]
    wires: tuple[tuple[Point, ...], ...] = ()
    frame: Box | None = None


def boxes_of(
    layers: Sequence[Layer], block_of: Mapping[Node, str], pictured: frozenset[Node]
) -> dict[Node, Box]:
    """The box of each layer, not yet placed.

    Args:
        pictured: the layers that have room for pictures.
    """
    found: dict[Node, Box] = {}
    for layer in layers:
        name = layer.name.removeprefix(f"{block_of.get(layer.name, '')}.")
        note = str(layer.channels)
        width = max(NARROW, min(WIDE, (len(name) + 1 + len(note)) * LETTER + 2 * PAD))
        label = _tail(name, (width - 2 * PAD) // LETTER - 1 - len(note))
        has = layer.name in pictured
        height = LINE + 2 * PAD + SIDE if has else LINE + PAD
        found[layer.name] = Box(layer.name, label, 0, 0, width, height, note, has)
    return found


def alone(node: Node, boxes: Mapping[Node, Box]) -> Row:
    """A row of one node."""
    return Row(_size(node, boxes), {node: (0, 0)})


def block(graph: Graph, inside: Sequence[Node], boxes: Mapping[Node, Box], path: str) -> Row:
    """A block of several, in a frame with a line for its name."""
    port = -1  # where it is entered
    edges = {
        (part if part in inside else port, node): node not in graph.untraced
        for node in inside
        for part in graph.into[node]
    }
    sizes: dict[Node, Size] = {port: (PORT, 0)} if any(a == port for a, _ in edges) else {}
    sizes |= {node: _size(node, boxes)[::-1] for node in inside}
    lying = layered(sizes, list(edges), GAP, STEP)

    def turned(point: Point) -> Point:
        return PAD + point[1], LINE + PAD + point[0]

    size = lying.height + 2 * PAD, lying.width + LINE + 2 * PAD
    label = _tail(path, int(size[0] - 2 * PAD) // LETTER)
    return Row(
        size,
        {node: turned(place) for node, place in lying.places.items() if node != port},
        tuple(tuple(map(turned, points)) for edge, points in lying.routes.items() if edges[edge]),
        Box(path, label, 0, 0, round(size[0]), round(size[1])),
    )


def _size(node: Node, boxes: Mapping[Node, Box]) -> Size:
    if node in boxes:
        return boxes[node].width, boxes[node].height
    return (JOINT, JOINT) if isinstance(node, int) else (NARROW, LINE)


def _tail(name: str, room: int) -> str:
    """The end of a name that has no room."""
    return name if len(name) <= room else f"…{name[len(name) - max(0, room - 1) :]}"
