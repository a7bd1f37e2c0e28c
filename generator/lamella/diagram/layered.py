"""A layered layout: every edge leads down, nothing overlaps, lines are as straight as that allows.

Flow: **layered** -> diagram. After Sugiyama, Tagawa and Toda 1981, doi:10.1109/TSMC.1981.4308636:
the level of a node is the longest path that leads to it; an edge over several levels has a lane in
each; within a level nodes are ordered by the mean place of their neighbours (barycentre), and then
moved as near to those as their order and sizes allow, by isotonic regression.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
Size = tuple[float, float]
Point = tuple[float, float]
SWEEPS = 8  # down and up
LANE = 8.0  # how wide the lane of an edge is


@dataclass(frozen=True, slots=True)
class Layout(Generic[K]):
    """Where nodes and edges lie; levels go down.

    Attributes:
        places: the corner of each node, left and top.
        routes: the points of each edge, from the lower side of one node to the upper of the other;
            between them where it enters and where it leaves the levels that it passes.
    """

    places: Mapping[K, Point]
    routes: Mapping[tuple[K, K], tuple[Point, ...]]
    width: float
    height: float


def layered(
    sizes: Mapping[K, Size], edges: Sequence[tuple[K, K]], across: float, along: float
) -> Layout[K]:
    """Lay out a graph.

    Args:
        sizes: width and height of the nodes, each behind those that lead to it.
        edges: from node to node; each once.
        across, along: the least distance of two nodes in a level, and that of two levels.
    """
    level = dict.fromkeys(sizes, 0)
    leading: dict[K, list[K]] = {node: [] for node in sizes}
    for a, b in edges:
        leading[b].append(a)
    for node, before in leading.items():
        level[node] = max((level[a] + 1 for a in before), default=0)
    # From here on nodes are numbers: those of the graph, then the lanes.
    number = {node: at for at, node in enumerate(sizes)}
    widths = [size[0] for size in sizes.values()]
    levels: list[list[int]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for node, at in number.items():
        levels[level[node]].append(at)
    chains = {}
    for a, b in edges:
        lanes = range(len(widths), len(widths) + level[b] - level[a] - 1)
        for at, lane in enumerate(lanes, level[a] + 1):
            levels[at].append(lane)
        widths += [LANE] * len(lanes)
        chains[a, b] = [number[a], *lanes, number[b]]
    above: list[list[int]] = [[] for _ in widths]
    below: list[list[int]] = [[] for _ in widths]
    for chain in chains.values():
        for one, other in pairwise(chain):
            above[other].append(one)
            below[one].append(other)
    middles = _middles(levels, widths, above, below, across)
    heights = [size[1] for size in sizes.values()]
    tops, depths, top = [], [], 0.0
    for own in levels:
        tops.append(top)
        depths.append(max((heights[at] for at in own if at < len(number)), default=0.0))
        top += depths[-1] + along
    left = min((middles[at] - widths[at] / 2 for at in range(len(widths))), default=0.0)
    right = max((middles[at] + widths[at] / 2 for at in range(len(widths))), default=0.0)
    middles = [middle - left for middle in middles]
    places = {
        node: (
            middles[at] - widths[at] / 2,
            tops[level[node]] + (depths[level[node]] - heights[at]) / 2,
        )
        for node, at in number.items()
    }
    routes = {}
    for (a, b), chain in chains.items():
        route = [(middles[chain[0]], places[a][1] + sizes[a][1])]
        for at, lane in enumerate(chain[1:-1], level[a] + 1):
            route += [(middles[lane], tops[at]), (middles[lane], tops[at] + depths[at])]
        routes[a, b] = (*route, (middles[chain[-1]], places[b][1]))
    return Layout(places, routes, right - left, max(0.0, top - along))


def _middles(
    levels: list[list[int]],
    widths: Sequence[float],
    above: Sequence[Sequence[int]],
    below: Sequence[Sequence[int]],
    across: float,
) -> list[float]:
    """The middle of every node and lane; orders the levels."""
    middles = [0.0] * len(widths)

    def wanted(node: int, neighbours: Sequence[Sequence[int]]) -> float:
        near = neighbours[node]
        return sum(middles[other] for other in near) / len(near) if near else middles[node]

    def sweep(neighbours: Sequence[Sequence[int]], down: bool, ordering: bool) -> None:
        for own in levels if down else reversed(levels):
            goals = {node: wanted(node, neighbours) for node in own}
            if ordering:
                own.sort(key=goals.__getitem__)  # stable: the first of equals stays first
            apart = [(widths[one] + widths[other]) / 2 + across for one, other in pairwise(own)]
            for node, middle in zip(own, spaced([goals[n] for n in own], apart), strict=True):
                middles[node] = middle

    for turn in range(SWEEPS):
        sweep(above, True, turn < SWEEPS // 2)
        sweep(below, False, turn < SWEEPS // 2)
    sweep(above, True, False)
    return middles


def spaced(goals: Sequence[float], apart: Sequence[float]) -> list[float]:
    """The places nearest to these goals, by least squares, that keep order and distances.

    Without the distances they must not fall: isotonic regression, by pooling adjacent violators.
    """
    offsets = [0.0]
    for gap in apart:
        offsets.append(offsets[-1] + gap)
    pools: list[tuple[float, int]] = []  # sum and number of goals that end at one place
    for goal, offset in zip(goals, offsets, strict=False):
        total, count = goal - offset, 1
        while pools and pools[-1][0] / pools[-1][1] >= total / count:
            before = pools.pop()
            total, count = total + before[0], count + before[1]
        pools.append((total, count))
    even = [total / count for total, count in pools for _ in range(count)]
    return [place + offset for place, offset in zip(even, offsets, strict=False)]
