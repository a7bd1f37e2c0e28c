"""Which layer feeds which: joints, their chains, and what was not traced."""

from lamella.diagram.graph import IMAGE, graph_of
from lamella.network.units import Layer, Segment


def layer(name: str, follows: str = "", sources: tuple[Segment, ...] = ()) -> Layer:
    names = tuple(IMAGE if each == "image" else each for each in follows.split())
    return Layer(name, "convolution", 4, 1, 1, None, follows=names, sources=sources)


def both(*layers: str) -> Segment:
    return Segment(0, 4, tuple((name, 0) for name in layers))


def test_a_residual_chain_is_a_chain_of_sums() -> None:
    graph = graph_of(
        [
            layer("stem", "image"),
            layer("a", "stem"),
            layer("b", "stem a", (both("stem", "a"),)),
            layer("c", "stem a b", (both("stem", "a", "b"),)),
            layer("fc", "stem a b c", (both("stem", "a", "b", "c"),)),
        ]
    )
    assert graph.into[0] == ("stem", "a") and graph.into["b"] == (0,)
    assert graph.into[1] == (0, "b") and graph.into["c"] == (1,)
    assert graph.into[2] == (1, "c") and graph.into["fc"] == (2,)
    assert graph.kinds == {0: "sum", 1: "sum", 2: "sum"} and not graph.untraced


def test_what_is_behind_attention_or_a_gate_is_a_joint_of_no_known_kind() -> None:
    graph = graph_of([layer("x", "image"), layer("gate", "x"), layer("y", "x gate")])
    assert graph.into["y"] == (0,) and graph.into[0] == ("x", "gate")
    assert graph.kinds == {0: ""}


def test_a_concatenation_is_told_from_a_sum() -> None:
    one, two = both("a"), Segment(4, 4, (("b", 0),))
    names = [layer("a", "image"), layer("b", "image"), layer("c", "a b", (one, two))]
    assert graph_of(names).kinds == {0: "concatenation"}
    mixed = (both("a", "b"), two)
    assert graph_of([*names[:2], layer("c", "a b", mixed)]).kinds == {0: ""}


def test_two_layers_that_read_the_same_share_its_joint() -> None:
    graph = graph_of([layer("a", "image"), layer("b", "a"), layer("c", "a b"), layer("d", "a b")])
    assert graph.into["c"] == graph.into["d"] == (0,)


def test_joints_that_share_nothing_both_flow_into_a_larger_one() -> None:
    stems = [layer(name, "image") for name in "abcd"]
    graph = graph_of([*stems, layer("p", "a b"), layer("q", "c d"), layer("r", "a b c d")])
    assert set(graph.into[2]) == {0, 1}


def test_the_image_may_flow_in_beside_layers() -> None:
    graph = graph_of([layer("a", "image"), layer("b", "image a")])
    assert set(graph.into[0]) == {IMAGE, "a"}


def test_a_store_from_before_is_drawn_as_far_as_channels_tell() -> None:
    old = [
        layer("a", sources=(Segment(0, 3, ()),)),
        layer("b", sources=(both("a"),)),
        layer("c"),
        layer("d", sources=(both("b", "c"),)),
    ]
    graph = graph_of(old)
    assert graph.into["a"] == (IMAGE,) and graph.into["b"] == ("a",)
    assert graph.untraced == {"c"} and graph.into["c"] == ("b",)
    assert set(graph.into[0]) == {"b", "c"}


def test_names_that_a_store_does_not_hold_are_no_edges() -> None:
    graph = graph_of([layer("a", "image later"), layer("later", "a gone")])
    assert graph.into["a"] == (IMAGE,) and graph.into["later"] == ("a",)
