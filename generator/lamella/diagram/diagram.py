"""The architecture of a network as boxes and lines: rows from top to bottom.

Flow: graph, blocks, rows, layered -> **diagram** -> site. Pure arithmetic, in pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise

from lamella.diagram.blocks import blocks
from lamella.diagram.graph import IMAGE, Node, graph_of
from lamella.diagram.layered import Point, layered
from lamella.diagram.rows import GAP, JOINT, LINE, NARROW, STEP, Box, alone, block, boxes_of
from lamella.network.units import Layer

ROWS = 24  # from more rows on, of blocks that repeat only the first has pictures
Key = tuple[Node, bool]  # of a row: a block by its path, or a node; whether it is a block


@dataclass(frozen=True, slots=True)
class Joint:
    """Where several layers flow together: "sum", "concatenation", or "" for not known."""

    kind: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Diagram:
    """What is drawn, from the bottom of the pile to its top.

    Attributes:
        frames: around blocks.
        wires: lines, each as the path of an SVG.
        layers: in the order in which they run.
        image: the middle of the box that stands for the network's input; None for none.
        untraced: layers into which no line leads, since it was not traced what does.
    """

    width: int
    height: int
    frames: tuple[Box, ...]
    wires: tuple[str, ...]
    joints: tuple[Joint, ...]
    layers: tuple[Box, ...]
    image: tuple[int, int] | None
    untraced: frozenset[str]


def diagram(layers: Sequence[Layer]) -> Diagram:
    """Draw a network's layers."""
    graph = graph_of(layers)
    block_of = blocks(graph)
    row_of: dict[Node, Key] = {
        node: (block_of[node], True) if node in block_of else (node, False) for node in graph.into
    }
    members: dict[Key, list[Node]] = {}
    for node, key in row_of.items():
        members.setdefault(key, []).append(node)
    fed: dict[Key, dict[Key, bool]] = {key: {} for key in members}  # and whether by a line
    for node, parts in graph.into.items():
        own = fed[row_of[node]]
        for key in {row_of[part]: None for part in parts if row_of[part] != row_of[node]}:
            own[key] = own.get(key, False) or node not in graph.untraced
    boxes = boxes_of(layers, block_of, _pictured(members))
    rows = {
        key: block(graph, members[key], boxes, str(key[0])) if key[1] else alone(key[0], boxes)
        for key in TopologicalSorter(fed).static_order()
    }
    edges = [(before, key) for key in rows for before in fed[key]]
    whole = layered({key: row.size for key, row in rows.items()}, edges, GAP, STEP)
    places: dict[Node, Point] = {}
    frames, wires = [], []
    for key, (left, top) in whole.places.items():
        row = rows[key]
        places |= {node: (left + x, top + y) for node, (x, y) in row.places.items()}
        wires += [_path([(left + x, top + y) for x, y in points], 0) for points in row.wires]
        frames += [row.frame.at((left, top))] if row.frame else []
    wires += [_path(points, 1) for (one, key), points in whole.routes.items() if fed[key][one]]
    image = places.get(IMAGE)
    return Diagram(
        width=round(whole.width),
        height=round(whole.height),
        frames=tuple(frames),
        wires=tuple(wires),
        joints=tuple(
            Joint(graph.kinds[node], round(x + JOINT / 2), round(y + JOINT / 2))
            for node, (x, y) in places.items()
            if isinstance(node, int)
        ),
        layers=tuple(boxes[layer.name].at(places[layer.name]) for layer in layers),
        image=(round(image[0] + NARROW / 2), round(image[1] + LINE / 2)) if image else None,
        untraced=graph.untraced,
    )


def _pictured(members: Mapping[Key, Sequence[Node]]) -> frozenset[Node]:
    """The nodes that have room for pictures."""
    before: object = None
    found: list[Node] = []
    for (name, is_block), inside in members.items():
        names = [str(node).removeprefix(str(name)) for node in inside if isinstance(node, str)]
        alike = names if is_block else None
        if len(members) <= ROWS or alike is None or alike != before:
            found += inside
        before = alike
    return frozenset(found)


def _path(points: Sequence[Point], down: int) -> str:
    """A line through points: bent where it goes from level to level, straight within one.

    Args:
        down: 1 where levels go down, 0 where they go to the right.
    """
    whole = [(round(x), round(y)) for x, y in points]
    drawn = f"M{whole[0][0]} {whole[0][1]}"
    for at, (one, other) in enumerate(pairwise(whole)):
        if at % 2 or one[1 - down] == other[1 - down]:
            drawn += f"{'HV'[down]}{other[down]}"
            continue
        half = round((one[down] + other[down]) / 2)
        bends = ((one[0], half), (other[0], half)) if down else ((half, one[1]), (half, other[1]))
        drawn += "C" + " ".join(f"{x} {y}" for x, y in (*bends, other))
    return drawn
