"""The drawing of a whole network."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from lamella.diagram.diagram import ROWS, Diagram, diagram
from lamella.diagram.rows import Box
from lamella.network.units import Layer


def layer(name: str, *follows: str, channels: int = 8) -> Layer:
    return Layer(name, "convolution", channels, 1, 1, None, follows=follows)


@st.composite
def networks(draw: st.DrawFn) -> tuple[Layer, ...]:
    paths = st.lists(st.sampled_from(["a", "b", "block", "0"]), max_size=3).map(".".join)
    layers: list[Layer] = []
    for at in range(draw(st.integers(1, 9))):
        names = ["", *(one.name for one in layers)]
        follows = draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
        layers.append(layer(f"{draw(paths)}.conv{at}".strip("."), *follows))
    return tuple(layers)


@given(networks())
def test_every_layer_stands_once_and_nothing_lies_on_it(layers: tuple[Layer, ...]) -> None:
    drawn = diagram(layers)
    assert [box.name for box in drawn.layers] == [one.name for one in layers]
    for one, other in itertools.combinations(drawn.layers, 2):
        assert _apart(one, other)
    for one, other in itertools.combinations(drawn.frames, 2):
        assert _apart(one, other)
    for box, frame in itertools.product(drawn.layers, drawn.frames):
        assert _apart(box, frame) or (box.name.startswith(f"{frame.name}.") and _in(box, frame))
    for box in (*drawn.layers, *drawn.frames):
        assert box.left >= 0 and box.left + box.width <= drawn.width + 1
        assert box.top >= 0 and box.top + box.height <= drawn.height + 1


@given(networks())
def test_the_same_layers_give_the_same_drawing(layers: tuple[Layer, ...]) -> None:
    assert diagram(layers) == diagram(layers)


@given(networks())
def test_rows_follow_each_other_downwards(layers: tuple[Layer, ...]) -> None:
    """What a layer outside of a row feeds stands below it; within a row, at its right."""
    drawn = diagram(layers)
    box = {one.name: one for one in drawn.layers}
    for one in layers:
        for name in set(one.follows) - {""}:
            over, under = _row(drawn, box[name]), _row(drawn, box[one.name])
            if over == under:
                assert box[name].left + box[name].width <= box[one.name].left
            else:
                assert over.top + over.height <= under.top


def _row(drawn: Diagram, box: Box) -> Box:
    return next((frame for frame in drawn.frames if _in(box, frame)), box)


def _in(box: Box, frame: Box) -> bool:
    right, bottom = box.left + box.width, box.top + box.height
    inside = right <= frame.left + frame.width and bottom <= frame.top + frame.height
    return frame.left <= box.left and frame.top <= box.top and inside


def _apart(one: Box, other: Box) -> bool:
    beside = one.left + one.width <= other.left or other.left + other.width <= one.left
    return beside or one.top + one.height <= other.top or other.top + other.height <= one.top


def test_a_residual_block_is_one_row_with_its_line_around_it() -> None:
    drawn = diagram(
        [layer("stem", ""), layer("b.1", "stem"), layer("b.2", "b.1"), layer("fc", "stem", "b.2")]
    )
    frame, joint = drawn.frames[0], drawn.joints[0]
    assert frame.name == "b" and drawn.image is not None and not drawn.untraced
    assert frame.left < joint.x < frame.left + frame.width
    # Image to stem to block to fc; in it to the first and the sum, and through the second.
    assert len(drawn.wires) == 3 + 2 + 2
    assert all(re.fullmatch(r"M\d+ \d+([HV]\d+|C\d+( \d+){5})+", wire) for wire in drawn.wires)


def test_no_line_is_drawn_where_nothing_was_traced() -> None:
    drawn = diagram([layer("a"), layer("b"), layer("c.1", "b"), layer("c.2")])
    assert len(drawn.wires) == 1 + 1 and drawn.untraced == {"a", "b", "c.2"}
    assert [box.top for box in drawn.layers[:2]] == sorted(box.top for box in drawn.layers[:2])
    assert drawn.image is None


def test_of_many_blocks_alike_only_the_first_has_pictures() -> None:
    def blocks(number: int) -> list[Layer]:
        names = ["conv", *(f"b.{at}.{which}" for at in range(number) for which in "xy"), "fc"]
        return [layer(name, before) for before, name in itertools.pairwise(["", *names])]

    few, many = diagram(blocks(5)), diagram(blocks(ROWS))
    assert all(box.pictured for box in few.layers)
    assert [box.name for box in many.layers if box.pictured] == ["conv", "b.0.x", "b.0.y", "fc"]


def test_a_name_that_has_no_room_keeps_its_end() -> None:
    box = diagram([layer(f"{'deep.' * 30}conv", "", channels=2048)]).layers[0]
    assert box.label.startswith("…") and box.label.endswith("deep.conv") and box.note == "2048"
