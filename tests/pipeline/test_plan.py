"""Keys: everything that a result depends on changes them, and nothing else does."""

from dataclasses import replace

import pytest

from helpers.tiny import Tiny
from lamella.analyses import PANELS, known_panels
from lamella.config.config import Config
from lamella.errors import ConfigError, StoreError
from lamella.images.manifest import Manifest, Photograph
from lamella.network.description import Network
from lamella.network.units import Layer
from lamella.pipeline.plan import keys_now, keys_of, open_atlas, panels_of

NETWORK = Network(
    name="tiny",
    source="network.py:network",
    digest="d" * 64,
    architecture="a" * 64,
    parameters=10,
    size=(16, 16),
    preprocessing={"size": 16, "mean": [0.5, 0.5, 0.5]},
    layers=(Layer("conv", "convolution", 4, 8, 8, None),),
)
IMAGES = Manifest("images", (Photograph("1", "a.png", "cat"),), labels=("cat",))
EVERY = [panel.name for panel in known_panels()]


def config(tiny: Tiny, **keys: object) -> Config:
    return tiny.change(**({"analysis__panels": ["*"]} | keys)).config()


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def test_page_order_and_what_panels_need(tiny: Tiny) -> None:
    assert [panel.name for panel, _ in panels_of(config(tiny))] == EVERY
    few = panels_of(config(tiny, analysis__panels=["weights", "statistics"]))
    assert [panel.name for panel, _ in few] == ["statistics", "weights"]
    without = panels_of(config(tiny, analysis__panels=["!weights"]))
    assert [panel.name for panel, _ in without] == [name for name in EVERY if name != "weights"]


def test_a_mere_view_brings_no_panel_back_that_was_left_out(tiny: Tiny) -> None:
    for patterns in (["!feature_vis*"], ["*", "!feature_visualization"]):
        names = [panel.name for panel, _ in panels_of(config(tiny, analysis__panels=patterns))]
        gone = {"feature_visualization", "visualization_quality", "interpretability"}
        assert not gone & set(names) and "statistics" in names
    names = [
        panel.name
        for panel, _ in panels_of(config(tiny, analysis__panels=["visualization_quality"]))
    ]
    assert names == ["feature_visualization", "visualization_quality"]


def test_settings_reach_their_panel(tiny: Tiny) -> None:
    tiny.change(panels__dataset_examples__side=64)
    (settings,) = [s for panel, s in panels_of(tiny.config()) if panel.name == "dataset_examples"]
    assert settings.model_dump()["side"] == 64


def test_settings_of_panels_that_are_left_out_must_exist_too(tiny: Tiny) -> None:
    config = tiny.change(panels__nothing__side=64).config()
    with pytest.raises(ConfigError, match=r"unknown panel 'panels\.nothing'"):
        panels_of(config)


def test_what_changes_which_keys(tiny: Tiny) -> None:
    images = {panel.name for panel in known_panels() if panel.uses_images} | {"survey", "labels"}
    seeded = {panel.name for panel in known_panels() if panel.uses_seed}
    seeded |= {panel.name for panel in known_panels() if seeded.intersection(panel.needs)}
    plain = config(tiny)
    before = keys_of(plain, NETWORK, IMAGES)
    everything = set(before)
    assert everything == {"survey", "labels", *EVERY}
    assert len(set(before.values())) == len(before)
    assert changed(before, keys_of(plain, NETWORK, IMAGES)) == set()
    assert changed(before, keys_of(plain, replace(NETWORK, digest="e" * 64), IMAGES)) == everything
    other = replace(NETWORK, preprocessing={"size": 17, "mean": [0.5, 0.5, 0.5]})
    assert changed(before, keys_of(plain, other, IMAGES)) == everything
    assert changed(before, keys_of(plain, NETWORK, replace(IMAGES, digest="more images"))) >= images
    assert "weights" not in changed(
        before, keys_of(plain, NETWORK, replace(IMAGES, digest="more images"))
    )
    assert changed(before, keys_of(config(tiny, analysis__seed=1), NETWORK, IMAGES)) == seeded
    tiny.change(analysis__seed=None)
    setting = keys_of(config(tiny, panels__dataset_examples__side=64), NETWORK, IMAGES)
    assert changed(before, setting) == {"dataset_examples", "objectives"}


def test_other_labels_ask_for_what_rests_on_them_alone(tiny: Tiny) -> None:
    plain = config(tiny)
    renamed = replace(IMAGES, photographs=(Photograph("1", "a.png", "dog"),), labels=("dog",))
    rests = {panel.name for panel in known_panels() if "labels" in panel.needs}
    found = changed(keys_of(plain, NETWORK, IMAGES), keys_of(plain, NETWORK, renamed))
    assert "labels" in found and "feature_visualization" not in found
    assert found >= rests | {"labels"}
    without = replace(IMAGES, photographs=(Photograph("1", "a.png", ""),), labels=())
    assert "labels" not in keys_of(plain, NETWORK, without)


def test_what_does_not_change_them(tiny: Tiny) -> None:
    before = keys_of(config(tiny), NETWORK, IMAGES)
    tiny.change(
        title="Another",
        licence="CC0",
        analysis__device="cuda",
        output__work="elsewhere",
        panels__dataset_examples__side=96,
    )
    network = replace(NETWORK, name="other", source="a.py:b", classes=("cat",))
    assert changed(before, keys_of(tiny.config(), network, IMAGES)) == set()


def test_what_may_be_shown_changes_what_stores_no_more_than_that(tiny: Tiny) -> None:
    before = keys_of(config(tiny), NETWORK, IMAGES)
    tiny.change(images__publish="patches")
    using = {panel.name for panel in known_panels() if panel.uses_publish}
    assert changed(before, keys_of(tiny.config(), NETWORK, IMAGES)) == using
    assert "activation_spectrum" in using and "dataset_examples" not in using


def test_what_was_analysed_is_opened_without_the_network(tiny: Tiny) -> None:
    with pytest.raises(StoreError) as caught:
        open_atlas(tiny.config())
    assert caught.value.problem == f"{tiny.work} holds no analysis yet."
    assert caught.value.remedy == f"Run: lamella build {tiny.file}"
    (tiny.folder / "images" / "broken.png").write_text("")
    tiny.works("analyse")
    (tiny.folder / "network.py").unlink()
    atlas = open_atlas(tiny.config())
    assert [layer.name for layer in atlas.network.layers] == ["0", "2", "6"]
    assert atlas.network.size == (16, 16) and atlas.network.units == 13
    ((name, why),) = atlas.manifest.skipped
    assert name == "broken.png" and "not an image" in why
    assert atlas.publish == "whole"
    assert keys_now(tiny.config(), atlas) == dict(atlas.keys)
    changed = keys_now(tiny.change(model__preprocessing__size=17).config(), atlas)
    assert changed["survey"] != atlas.keys["survey"]


RENAMED = {old: panel.name for panel in PANELS for old in panel.formerly}


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_is_told_the_new_one(tiny: Tiny, old: str) -> None:
    new = RENAMED[old]
    said = tiny.change(panels={old: {}}).fails("build")
    assert f"the section 'panels.{old}' is called 'panels.{new}' now" in said
    said = tiny.change(panels=None, analysis__panels=["*", f"!{old}"]).fails("build")
    assert f"the panel '{old}' is called '{new}' now" in said and f"Write '{new}'" in said
    said = tiny.change(analysis__panels=["*"]).fails("analyse", "--panel", old)
    assert f"--panel: the panel '{old}' is called '{new}' now" in said


def test_no_old_name_is_one_of_today() -> None:
    assert not RENAMED.keys() & {panel.name for panel in PANELS}
