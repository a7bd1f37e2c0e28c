"""Which layers an atlas is of."""

from typing import Any

import pytest

from lamella.analyses.activation_atlas.spaces import beside, deepest, spaces
from lamella.network.units import Layer, Segment


def layer(name: str, kernel: int = 3, side: int = 4, **more: Any) -> Layer:
    return Layer(name, "convolution", 4, side, side, None, (kernel, kernel), **more)


def test_the_deepest_place_is_all_that_is_read_side_by_side() -> None:
    read = (Segment(0, 4, (("narrow", 0),)), Segment(4, 4, (("wide", 0),)))
    head = layer("head", 1, sources=read)
    fire = [layer("first"), layer("squeeze", 1), layer("narrow", 1), layer("wide"), head]
    assert [each.name for each in beside(fire, fire[3])] == ["narrow", "wide"]
    (space,) = spaces(fire, [])
    assert space.name == "narrow+wide" and space.channels == 8
    assert [str(space.unit(at)) for at in (0, 3, 4, 7)] == [
        "narrow:0", "narrow:3", "wide:0", "wide:3",
    ]  # fmt: skip
    with pytest.raises(IndexError):
        space.unit(8)
    assert [each.name for each in spaces(fire, ["wide"])[0].layers] == ["wide"]
    assert spaces(fire, ["narrow + wide"]) == (space,)


@pytest.mark.parametrize(
    "read",
    [
        (Segment(0, 4, (("wide", 0), ("first", 0))),),  # a sum
        (Segment(0, 64, (("wide", 0),), 16),),  # flattened
        (Segment(0, 4, (("wide", 2),)),),  # a part
        (Segment(0, 4, (("wide", 0),)), Segment(4, 4, (("large", 0),))),  # of another size
        (Segment(0, 4, (("wide", 0),)), Segment(4, 3, ())),  # beside the image
    ],
)
def test_what_is_not_side_by_side_stands_alone(read: tuple[Segment, ...]) -> None:
    all_ = [layer("first"), layer("large", side=8), layer("wide"), layer("head", 1, sources=read)]
    assert beside(all_, all_[2]) == (all_[2],)


def test_the_deepest_layer_is_hidden_and_has_positions() -> None:
    vectors = [layer("a", 1, 1), layer("b", 1, 1)]
    assert deepest(vectors) is None and spaces(vectors, []) == ()
    assert deepest([layer("only", 1)]) == layer("only", 1)
    transformer = [layer("patch", 16), *(layer(f"block{at}", 1) for at in range(6)), vectors[0]]
    found = deepest(transformer)
    assert found is not None and found.name == "block5"
