"""Names by glob and channels by range."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.tiny import Tiny
from lamella.config.selection import channel_numbers, chosen
from lamella.errors import ConfigError, UnknownLayer

LAYERS = ["conv1", "layer1.0.conv1", "layer1.0.conv2", "layer2.0.conv1", "blocks[0]", "fc"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["*"], LAYERS),
        (["layer1.*"], ["layer1.0.conv1", "layer1.0.conv2"]),
        (["fc", "conv1"], ["conv1", "fc"]),
        (["!layer*"], ["conv1", "blocks[0]", "fc"]),
        (["*", "!*conv1", "conv1"], ["conv1", "layer1.0.conv2", "blocks[0]", "fc"]),
        (["blocks[0]"], ["blocks[0]"]),
        (["layer?.0.conv[1]"], ["layer1.0.conv1", "layer2.0.conv1"]),
    ],
)
def test_globs(patterns: list[str], expected: list[str]) -> None:
    assert chosen(patterns, LAYERS, "layer", "--layer") == expected


def test_what_matches_nothing_is_a_mistake() -> None:
    with pytest.raises(UnknownLayer) as caught:
        chosen(["layer1.conv1"], LAYERS, "layer", "--layer")
    assert caught.value.problem == "--layer: there is no layer 'layer1.conv1'."
    assert "Did you mean 'layer1.0.conv1'" in caught.value.remedy
    with pytest.raises(UnknownLayer, match=r"Known: conv1, layer1.0.conv1.*fc\."):
        chosen(["*", "!qqq*"], LAYERS, "layer", "--layer")
    with pytest.raises(UnknownLayer, match="leaves no layer"):
        chosen(["*", "!*"], LAYERS, "layer", "--layer")
    with pytest.raises(UnknownLayer, match="leaves no layer"):
        chosen([], LAYERS, "layer", "atlas.toml")


def test_channels() -> None:
    assert channel_numbers("3,7,16-18") == [3, 7, 16, 17, 18]
    assert channel_numbers(" 5 , 5,4-5") == [4, 5]


@given(st.sets(st.integers(0, 300), min_size=1))
def test_channels_are_read_as_they_are_written(numbers: set[int]) -> None:
    assert channel_numbers(",".join(map(str, numbers))) == sorted(numbers)


@pytest.mark.parametrize(
    "text", ["", "a", "3;4", "7-3", "-3", "3-", "1.5", "²", "٣", "1,,2", "0-99999999999"]
)
def test_what_names_no_channels(text: str) -> None:
    with pytest.raises(ConfigError, match=r"Write them as 3,7,16-31\."):
        channel_numbers(text)


def test_on_the_command_line_and_in_the_file(tiny: Tiny) -> None:
    said = tiny.fails("analyse", "--layer", "00")
    assert "Error: --layer: there is no layer '00'.\n  Did you mean '0'?" in said
    said = tiny.fails("analyse", "--panel", "wieghts")
    assert "Error: --panel: there is no panel 'wieghts'.\n  Did you mean 'weights'?" in said
    said = tiny.fails("analyse", "--channels", "x")
    assert "Error: 'x' names no channels.\n  Write them as 3,7,16-31." in said
    said = tiny.fails("analyse", "--layer", "0", "--channels", "4-9")
    assert "Error: --channels: there is no channel 4.\n" in said and "0 to 3" in said
    assert not (tiny.work / "atlas.json").exists()
    said = tiny.change(analysis__panels=["wieghts"]).fails("status")
    assert f"{tiny.file}: [analysis] panels: there is no panel 'wieghts'." in said
    said = tiny.change(analysis__panels=["weights"], analysis__layers=["22"]).fails("layers")
    assert f"{tiny.file}: [analysis] layers: there is no layer '22'.\n  Did you mean '2'" in said
    said = tiny.change(analysis__layers=["!*"]).fails("layers")
    assert "[analysis] layers: ['!*'] leaves no layer." in said
