"""Layers that are drawn together."""

from lamella.diagram.blocks import blocks
from lamella.diagram.graph import graph_of
from lamella.network.units import Layer


def found(*lines: str) -> dict[str | int, str]:
    """The blocks of layers, each written as its name and those that it follows."""
    layers = []
    for line in lines:
        name, *follows = line.split()
        names = tuple("" if each == "image" else each for each in follows)
        layers.append(Layer(name, "convolution", 4, 1, 1, None, follows=names))
    return blocks(graph_of(layers))


def chain(*names: str) -> list[str]:
    return [f"{name} {before}" for before, name in zip(("image", *names), names, strict=False)]


def test_a_block_is_the_module_nearest_the_top_whose_chain_has_room() -> None:
    short = chain("layer1.0.a", "layer1.0.b", "layer1.1.a", "layer1.1.b")
    assert set(found(*short).values()) == {"layer1"}
    long = chain(*(f"layer1.{block}.{which}" for block in range(3) for which in "ab"))
    assert set(found(*long).values()) == {"layer1.0", "layer1.1", "layer1.2"}


def test_a_layer_alone_is_no_block() -> None:
    assert found(*chain("features.0.conv", *(f"body.{at}" for at in range(7)), "fc")) == {}


def test_a_joint_is_in_the_block_that_its_other_parts_feed_as_well() -> None:
    residual = found("stem image", "b.1 stem", "b.2 b.1", "fc stem b.2")
    assert residual == {"b.1": "b", "b.2": "b", 0: "b"}
    skipped = found("stem image", "b.1 image", "b.2 b.1", "fc stem b.2")
    assert skipped == {"b.1": "b", "b.2": "b"}


def test_a_joint_between_two_layers_of_a_block_is_in_it() -> None:
    skip = found("a image", "up.1 image", "up.2 a up.1")
    assert skip == {"up.1": "up", "up.2": "up", 0: "up"}


def test_blocks_that_run_in_turns_are_dissolved() -> None:
    turns = found(*chain("a.1", "b.1", "a.2", "b.2"), "c.1 b.2", "c.2 c.1")
    assert turns == {"c.1": "c", "c.2": "c"}
    assert found(*chain("a.1", "between", "a.2")) == {}
