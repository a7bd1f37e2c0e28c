"""atlas.toml: everything that can be wrong with it is named, with what to do about it."""

import json
import os
import re
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.tiny import ATLAS as TINY
from helpers.tiny import Tiny
from lamella.analyses import PANELS
from lamella.commands.init import atlas
from lamella.config.config import Config, load
from lamella.config.preprocessing import Preprocessing
from lamella.config.sections import AnalysisSection, ImagesSection, ModelSection, OutputSection
from lamella.errors import ConfigError, LamellaError, did_you_mean, said
from lamella.pipeline.plan import panels_of


def test_defaults_and_paths(tiny: Tiny) -> None:
    config = tiny.config()
    assert config.file == tiny.file.resolve()
    assert config.path("a/b") == tiny.folder / "a" / "b"
    assert config.path("/a") == Path("/a")
    assert config.images.publish == "whole" and config.analysis.layers == ("*",)
    assert config.model.preprocessing == Preprocessing(resize=20, size=16)


def test_what_init_writes_and_the_demonstration_are_valid(tmp_path: Path) -> None:
    file = tmp_path / "atlas.toml"
    file.write_text(atlas())
    assert load(file).model.source == "network.py:network"
    site = Path(__file__).parents[2] / "site" / "atlas.toml"
    assert load(site).model.name == "squeezenet1_1"


def test_commented_lines_of_init_are_valid_too(tmp_path: Path) -> None:
    """Whoever takes the # away gets a valid file."""
    file = tmp_path / "atlas.toml"
    file.write_text(re.sub(r"^# (\w+ = )", r"\1", atlas(), flags=re.MULTILINE))
    config = load(file)
    assert config.images.limit == 1000 and config.credits and config.model.weights


def test_overrides_win_over_the_file(tiny: Tiny) -> None:
    tiny.change(output__work="there")
    config = load(tiny.file, analysis={"seed": 7}, output={"work": "/elsewhere"}, title="Other")
    assert (config.analysis.seed, config.output.work, config.title) == (7, "/elsewhere", "Other")
    assert config.analysis.device == "cpu"


def test_a_byte_order_mark_does_no_harm(tiny: Tiny) -> None:
    tiny.file.write_bytes(b"\xef\xbb\xbf" + tiny.file.read_bytes())
    assert tiny.config().title == "Tiny"


UNKNOWN = {
    "titel": "Did you mean 'title'",
    "TITLE_": "Did you mean 'title'",
    "modle__x": "unknown key 'modle'.\n  Did you mean 'model'?",
    "model__wieghts": "'model.wieghts'.\n  Did you mean 'weights'?",
    "model__preprocessing__men": "'model.preprocessing.men'.\n  Did you mean 'mean'?",
    "images__foldr": "Did you mean 'folder'?",
    "analysis__qqq": "Known there: layers, panels, device, seed.",
    "layers": "It belongs into [analysis].",
    "model__licence": "It belongs at the top, before the first [section].",
    "model__resize": "It belongs into [model.preprocessing].",
    "panels__feature_visualisation__steps": "Did you mean 'feature_visualization'?",
    "panels__dataset_examples__sides": "Did you mean 'side'?",
    "panels__dataset_examples__qqq": "Known there: side, quality, one_per_class.",
}


@pytest.mark.parametrize("key", UNKNOWN)
def test_unknown_keys_sections_panels_and_settings(tiny: Tiny, key: str) -> None:
    message = tiny.change(**{key: "x"}).fails("status")
    assert str(tiny.file) in message and "unknown" in message
    assert UNKNOWN[key] in message


BAD = {
    "title": ("", "should have at least 1 character"),
    "authors": ("me", "'authors' is 'me'.\n  It should be a list in brackets."),
    "licence": (3, "'licence' is 3.\n  It should be text in quotes."),
    "site_url": ("example.org", "It should begin with https:// or http://."),
    "date": ("2026-02-30", "It should be a day or a year: 2026-11-21, or 2026."),
    "model__preprocessing__size": (
        "16",
        "It should be a whole number of pixels from 8 to 8192, or [height, width].",
    ),
    "model__preprocessing": ({"size": [224]}, "8 to 8192, or [height, width]."),
    "model__preprocessing__resize": (15.5, '1 to 8192, or [height, width], or "none".'),
    "model__preprocessing__mean": ([0.5, 0.5], "mean has 2 numbers, and the network takes 3"),
    "model__preprocessing__std": ([1, 0, 1], "std.1' is 0.\n  It should be greater than 0."),
    "model__preprocessing__scale": ("x", "It should be a number."),
    "model__preprocessing__channels": (
        "GBR",
        "It should be RGB, BGR, L or a number of bands, 1 to 1024.",
    ),
    "images__labels": ("folders", "It should be 'folder', 'file' or 'none'."),
    "images__limit": (0, "It should be greater than or equal to 1."),
    "analysis__seed": (True, "'analysis.seed' is true.\n  It should be a whole number."),
    "model__preprocessing__resize ": (100_000, "from 1 to 8192"),
    "analysis__seed ": (-1, "greater than or equal to 0"),
    "analysis__seed  ": (2**32, "less than 4294967296"),
    "output__work": ("~nouser/x", "'~nouser/x' is no path here: "),
    "output__work ": ("loop", "'loop' is no path here: "),
    "output__site": ("x" * 5000, "x...' is no path here: File name too long."),
    "analysis__layers": ("*", "It should be a list in brackets."),
    "panels__dataset_examples__side": ("big", "[panels.dataset_examples]: 'side' is 'big'."),
    "panels__dataset_examples__quality": (101, "less than or equal to 100"),
    "panels__weights": (3, "'panels.weights' is 3.\n  It should be a section."),
    "output": ("here", "'output' is 'here'.\n  It should be a section."),
}


@pytest.mark.parametrize("key", BAD)
def test_values_of_the_wrong_kind(tiny: Tiny, key: str) -> None:
    value, expected = BAD[key]
    (tiny.folder / "loop").symlink_to("loop")
    message = tiny.change(**{key.rstrip(): value}).fails("status")
    assert str(tiny.file) in message and expected in message
    assert "pydantic" not in message and "tuple" not in message.lower()


def test_several_mistakes_are_told_at_once(tiny: Tiny) -> None:
    message = tiny.change(titel="x", images__limit=-1, analysis__seed=1.5).fails("status")
    assert all(key in message for key in ("'titel'", "'images.limit'", "'analysis.seed'"))


MISSING = {
    "title": "'title' is missing.\n  The atlas' title.",
    "model": "'model' is missing.\n  The network: a section [model].",
    "model__source": "'model.source' is missing.\n  `torchvision:NAME`, `timm:NAME`",
    "images": "'images' is missing.\n  The photographs: a section [images].",
    "images__folder": "[images] names no images.\n  Add folder, a folder of images, or dataset",
}


@pytest.mark.parametrize("key", MISSING)
def test_missing_keys(tiny: Tiny, key: str) -> None:
    assert MISSING[key] in tiny.change(**{key: None}).fails("status")


SOURCES: dict[str, tuple[dict[str, str], str]] = {
    "twice": ({"folder": "a", "dataset": "data.py:data"}, "names images twice"),
    "no root": ({"dataset": "torchvision:CIFAR10"}, "folder is where torchvision downloaded it"),
    "a list of no files": ({"dataset": "data.py:data", "list": "a.csv"}, "dataset has none"),
}


@pytest.mark.parametrize("what", SOURCES)
def test_images_come_from_one_source(tiny: Tiny, what: str) -> None:
    tiny.tree["images"], expected = SOURCES[what]
    message = tiny.change().fails("status")
    assert f"{tiny.file}: [images] " in message and expected in message


def test_the_square_must_fit_into_the_resized_photograph(tiny: Tiny) -> None:
    message = tiny.change(model__preprocessing__size=24).fails("status")
    assert "[model.preprocessing] size, 24, is more than resize, 20." in message
    assert "raise resize or lower size" in message


@pytest.mark.parametrize("site", [".", "work", "./work/.."])
def test_what_was_computed_is_not_published(tiny: Tiny, site: str) -> None:
    message = tiny.change(output__site=site).fails("status")
    assert "lies inside the site" in message and "two folders beside each other" in message


def test_no_toml(tiny: Tiny) -> None:
    tiny.file.write_text("title = 'x'\nlicence = CC-BY-4.0\n")
    message = tiny.fails("status")
    assert "is not valid TOML" in message and "line 2" in message and "quotes" in message


def test_no_text(tiny: Tiny) -> None:
    tiny.file.write_bytes("title = 'ä'".encode("latin-1"))
    assert "is not text in UTF-8" in tiny.fails("status")


BEYOND = {
    "seed = " + "9" * 5000: "holds a huge number",
    "seed = " + "9" * 200: "'seed' is a whole number beyond 2^53",
    "x = " + "[" * 5000 + "]" * 5000: "is nested too deep",
    "x = " + "{a=" * 3000 + "1" + "}" * 3000: "is nested too deep",
    "x = " + "[" * 40 + "]" * 40: "'x' is nested more than 16 deep",
    "[model]\nweights = 'a'\nkey = [1, [nan]]": "'model.key' is nan",
    '[output]\nwork = "a\\u0000b"': "'output.work' is a text with the character NUL in it",
    "[panels.weights]\nx = '" + "x" * 200_000 + "'": "'panels.weights.x' is a text of 200000",
}


@pytest.mark.parametrize("text", BEYOND, ids=range(len(BEYOND)))
def test_values_that_no_setting_has(tiny: Tiny, text: str) -> None:
    tiny.file.write_text(text)
    assert BEYOND[text] in tiny.fails("status")


@pytest.mark.parametrize("key", ["credits", "model__classes", "images__list"])
@pytest.mark.parametrize("kind", ["pipe", "zero", "folder", "loop", "long", "user"])
def test_text_files_that_are_none(tiny: Tiny, key: str, kind: str) -> None:
    path = tiny.folder / "text"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    names = {"zero": "/dev/zero", "long": "x" * 300, "user": "~nouser/text"}
    message = tiny.change(**{key: names.get(kind, "text")}).fails("build")
    assert "cannot read" in message or "is no path here" in message


@pytest.mark.parametrize("command", ["build", "analyse", "render", "layers", "status", "prune"])
def test_no_file(tiny: Tiny, command: str) -> None:
    tiny.file.unlink()
    message = tiny.fails(command)
    assert f"Cannot read {tiny.file}: No such file or directory." in message
    assert "lamella init" in message


def test_in_a_process_of_its_own(tiny: Tiny) -> None:
    result = tiny.change(images__foldr="x").process("status")
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr == (
        f"Error: {tiny.file}: unknown key 'images.foldr'.\n  Did you mean 'folder'?\n"
    )


SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.integers().map(lambda number: number * 10**300),
    st.floats(),
    st.just(date(1979, 5, 27)),
    st.text(max_size=20),
    st.sampled_from(["", "\0", "~nouser", "..", "/dev/zero", "!", "*" * 50, "x" * 300, "none"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
FIELDS = [
    (*section, name)
    for section, kind in (
        ((), Config),
        (("model",), ModelSection),
        (("model", "preprocessing"), Preprocessing),
        (("images",), ImagesSection),
        (("analysis",), AnalysisSection),
        (("output",), OutputSection),
        *((("panels", panel.name), panel.settings) for panel in PANELS),
    )
    for name in kind.model_fields
]


def literal(value: Any) -> str:
    """A value as TOML writes it within a line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)} = {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(st.sampled_from(FIELDS), VALUES)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_of_any_key_is_taken_or_told(
    tiny: Tiny, key: tuple[str, ...], value: Any
) -> None:
    tree = deepcopy(TINY)
    section = tree
    for name in key[:-1]:
        section = section.setdefault(name, {})
    section[key[-1]] = value
    lines = [f"{literal(name)} = {literal(inner)}" for name, inner in tree.items()]
    tiny.file.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass")
    try:
        config = tiny.config()
        panels_of(config)
        for text in filter(None, (config.credits, config.model.classes, config.images.list)):
            config.path(text)
    except LamellaError as error:
        assert error.problem and error.remedy and len(str(error)) < 3000


KEYS = [
    *Config.model_fields,
    *(f"model__{name}" for name in Config.model_fields["model"].annotation.model_fields),
]


@given(st.sampled_from(KEYS), st.data())
def test_near_misses_are_recognised(key: str, data: st.DataObject) -> None:
    """One letter too many, too few, or of the other case."""
    name = key.rpartition("__")[2]
    at = data.draw(st.integers(0, len(name) - 1))
    other = data.draw(st.sampled_from([name[:at] + name[at + 1 :], name.upper(), name + "s"]))
    assert f"'{name}'" in did_you_mean(other, [name, "unrelated", "zzz"])


def test_near_names_read_well() -> None:
    layers = ["layer3.0.conv1", "layer3.1.conv1", "fc"]
    assert did_you_mean("layer3.conv1", layers) == (
        "Did you mean 'layer3.1.conv1' or 'layer3.0.conv1'?"
    )
    assert did_you_mean("FC", layers) == "Did you mean 'fc'?"
    assert did_you_mean("qqq", layers) == ""
    assert did_you_mean("qqq", layers, otherwise="Look it up.") == "Look it up."


def test_what_an_error_says_fits_a_line() -> None:
    assert said(OSError(28, "No space left on device", "a")) == "No space left on device"
    assert said(ValueError("one.\ntwo")) == "one"
    assert said(AssertionError()) == "AssertionError"
    assert str(ConfigError("problem", "remedy")) == "problem\n  remedy"
