"""The layered layout, of any graph."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.diagram.layered import LANE, Layout, layered, spaced

ACROSS, ALONG = 7.0, 11.0
Sizes = dict[int, tuple[float, float]]
Edges = list[tuple[int, int]]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Sizes, Edges]:
    number = draw(st.integers(1, 9))
    side = st.integers(0, 90).map(float)
    sizes = {at: (draw(side), draw(side)) for at in range(number)}
    pairs = list(itertools.combinations(range(number), 2))
    return sizes, draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []


@given(graphs())
def test_nothing_overlaps_and_every_edge_leads_down(graph: tuple[Sizes, Edges]) -> None:
    sizes, edges = graph
    found = layered(sizes, edges, ACROSS, ALONG)
    assert list(found.places) == list(sizes)
    for a, b in edges:
        assert found.places[a][1] + sizes[a][1] + ALONG <= found.places[b][1] + 1e-6
        route = found.routes[a, b]
        assert [y for _, y in route] == sorted(y for _, y in route)
        for node, (x, _) in ((a, route[0]), (b, route[-1])):
            assert x == pytest.approx(found.places[node][0] + sizes[node][0] / 2)
    for one, other in itertools.combinations(sizes, 2):
        assert _apart(found, sizes, one, other)
    for node, (left, top) in found.places.items():
        assert -1e-6 <= left <= found.width - sizes[node][0] + 1e-6
        assert -1e-6 <= top <= found.height - sizes[node][1] + 1e-6


def _apart(found: Layout[int], sizes: Sizes, one: int, other: int) -> bool:
    (x, y), (u, v) = found.places[one], found.places[other]
    beside = x + sizes[one][0] + ACROSS <= u + 1e-6 or u + sizes[other][0] + ACROSS <= x + 1e-6
    below = y + sizes[one][1] + ALONG <= v + 1e-6 or v + sizes[other][1] + ALONG <= y + 1e-6
    return beside or below


@given(graphs())
def test_a_line_passes_beside_the_nodes_of_the_levels_between(graph: tuple[Sizes, Edges]) -> None:
    sizes, edges = graph
    found = layered(sizes, edges, ACROSS, ALONG)
    for route in found.routes.values():
        for (x, top), (_, bottom) in zip(route[1:-1:2], route[2:-1:2], strict=True):
            for node, (left, upper) in found.places.items():
                within = top - 1e-6 <= upper and upper + sizes[node][1] <= bottom + 1e-6
                if within and sizes[node][1] > 0:
                    right = left + sizes[node][0]
                    assert x + LANE / 2 <= left + 1e-6 or right <= x - LANE / 2 + 1e-6


@given(graphs())
def test_the_same_graph_gives_the_same_places(graph: tuple[Sizes, Edges]) -> None:
    assert layered(*graph, ACROSS, ALONG) == layered(*graph, ACROSS, ALONG)


def test_a_chain_is_straight() -> None:
    sizes = {0: (10.0, 5.0), 1: (30.0, 5.0), 2: (20.0, 5.0)}
    found = layered(sizes, [(0, 1), (1, 2)], ACROSS, ALONG)
    assert {x + sizes[node][0] / 2 for node, (x, _) in found.places.items()} == {15.0}
    assert (found.width, found.height) == (30.0, 37.0)


def test_nothing_has_no_size() -> None:
    assert layered({}, [], ACROSS, ALONG) == Layout({}, {}, 0.0, 0.0)


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(0, 20)), min_size=1, max_size=7))
def test_places_are_the_nearest_that_keep_their_distance(pairs: list[tuple[int, int]]) -> None:
    """The conditions of Karush, Kuhn and Tucker, which only the least squares fulfil."""
    goals, apart = [goal for goal, _ in pairs], [gap for _, gap in pairs[1:]]
    found = spaced(goals, apart)
    pressure = 0.0  # with which each pushes the next
    for at, (place, goal) in enumerate(zip(found, goals, strict=True)):
        pressure += goal - place
        last = at == len(found) - 1
        slack = 0.0 if last else found[at + 1] - place - apart[at]
        assert slack >= -1e-6 and pressure >= -1e-6
        if last or slack > 1e-6:
            assert pressure == pytest.approx(0, abs=1e-6)
