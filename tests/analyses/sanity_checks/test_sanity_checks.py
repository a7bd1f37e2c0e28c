"""Sanity checks: random networks, ranks, and what the pages say of both."""

import copy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from torch import Tensor

from helpers.pages import Scan
from helpers.sanity import atlas_in, page
from helpers.tiny import ENVIRONMENT, Tiny
from lamella.analyses.sanity_checks import SanityChecks, map_similarity
from lamella.analyses.sanity_checks.choice import confident_images, other_answers
from lamella.analyses.sanity_checks.map_similarity import maps_of
from lamella.analyses.sanity_checks.randomization import cascade, stages
from lamella.analyses.sanity_checks.report import Report
from lamella.analyses.sanity_checks.verdicts import sentences, verdict_table
from lamella.attribution.compute import Options, attribute, defined
from lamella.commands.progress import Progress
from lamella.figures.links import panel_picture
from lamella.network.model import Model
from lamella.pipeline.pipeline import Analysis, Selection
from lamella.pipeline.plan import open_atlas


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A tiny atlas whose maps are tested, with a mask of two of its four photographs."""
    found = atlas_in(tmp_path_factory.mktemp("sanity"), panels__sanity_checks__masks="masks")
    mask = np.zeros((24, 28), np.uint8)
    mask[8:16, 10:18] = 255
    for name in ("even/0.png", "odd/1.png"):
        path = found.folder / "masks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
    found.works("build")
    return found


def report_of(found: Tiny) -> Report:
    report = Report.of(open_atlas(found.config()))
    assert report is not None
    return report


# Random weights.


def test_methods_see_the_random_weights_and_nothing_older(built: Tiny) -> None:
    """What is found out of a network is kept with it: none of it may outlive its weights."""
    analysis = Analysis.of(built.config())
    model = analysis.model
    shown = model.shown(analysis.images.pixels(0)[None])
    classes, options = torch.tensor([[0, 1]]), Options(patch=5, stride=4, steps=2)
    names = defined(model)[0]
    assert {"cam", "gradcam", "saliency"} <= set(names)
    for name in names:  # so that whatever is remembered is remembered
        attribute(name, model, shown, classes, options)
    for one in cascade(model, stages(model), 0):
        fresh = replace(model, module=copy.deepcopy(one.module))
        for name in names:
            own = attribute(name, one, shown, classes, options)
            assert torch.equal(own, attribute(name, fresh, shown, classes, options)), name


# What maps keep.


def test_a_method_that_ignores_the_weights_keeps_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And one that draws noise keeps nothing; a map that dies is said to be empty."""
    passed: list[int] = []

    def fake(name: str, model: Model, shown: Tensor, classes: Tensor, options: Any) -> Tensor:
        image = shown.mean(1, keepdim=True).expand(-1, classes.shape[1], -1, -1)
        if name == "saliency":
            return image
        if name == "guided":
            weight = next(iter(model.module.parameters()))
            noise = torch.Generator().manual_seed(int(1e6 * weight.abs().sum()) % 2**31)
            return torch.rand(image.shape, generator=noise)
        passed.append(1)
        return image if len(passed) <= 2 else torch.zeros_like(image)

    monkeypatch.setattr(map_similarity, "attribute", fake)
    monkeypatch.setattr(
        "lamella.analyses.sanity_checks.planning.defined",
        lambda model: (("saliency", "guided", "cam"), {}),
    )
    found = atlas_in(tmp_path, panels__sanity_checks__quality=50)
    found.works("build")
    report = report_of(found)
    assert report.whole and len(report.stages) == 3
    kept = report.kept()
    assert kept[:, 0] == pytest.approx(np.ones(3))
    # The last stage alone changes the first layer, by which this method draws.
    assert kept[:2, 1] == pytest.approx(np.ones(2)) and abs(kept[2, 1]) < 0.3
    assert np.isnan(kept[:, 2]).all() and (report.flat()[:, 2] == 3).all()
    table = {row[0]: row[1:] for row in verdict_table(report).rows}
    assert table["Gradient"][0] == "no (1.00)" and table["CAM"][0] == "yes (empty)"
    assert str(table["Guided backprop"][0]).startswith("yes (")
    verdicts = sentences(report)
    assert "it shows the image more than what the network learned" in verdicts[0]
    assert verdicts[2] == "CAM: its maps are empty when everything is random."


def test_maps_do_not_depend_on_which_images_come_together(built: Tiny) -> None:
    analysis = Analysis.of(built.config())
    pixels = np.stack([analysis.images.pixels(number) for number in range(4)])
    shown, classes = analysis.model.shown(pixels), torch.tensor([0, 1, 2, 0])
    options = Options(patch=5, stride=4, steps=2)
    whole = maps_of(["saliency"], analysis.model, shown, classes, options)["saliency"]
    alone = maps_of(["saliency"], analysis.model, shown[2:3], classes[2:3], options)["saliency"]
    assert whole[2] == pytest.approx(alone[0], rel=1e-4, abs=1e-7)


def test_another_class_is_one_that_the_image_is_not() -> None:
    both = torch.tensor([[5, 1], [5, 2], [7, 3]])
    assert other_answers(both).tolist() == [7, 7, 5]
    assert other_answers(torch.tensor([[4, 9], [4, 8]])).tolist() == [9, 8]


def test_the_images_have_different_answers_if_they_can(built: Tiny) -> None:
    analysis = Analysis.of(built.config())
    model, images = analysis.model, analysis.images
    chosen = confident_images(model, images, 3)
    assert len(set(chosen)) == 3
    assert sorted(confident_images(model, images, 99)) == [0, 1, 2, 3]
    assert set(confident_images(model, images, 1, masked=[1, 3])) <= {1, 3}


# The panel.


def test_the_numbers_are_those_of_the_methods(built: Tiny) -> None:
    """Straight from the methods and scipy, image by image."""
    analysis, report = Analysis.of(built.config()), report_of(built)
    plan = report.plan
    assert plan.methods == defined(analysis.model)[0] and list(report.numbers.present)
    random = [*cascade(analysis.model, stages(analysis.model), 0)]
    last = replace(analysis.model, module=random[-1].module)
    options = Options(**plan.made)
    for at, number in enumerate(plan.images):
        shown = analysis.model.shown(analysis.images.pixels(number)[None])
        answer = analysis.model.module(analysis.model.normalise(shown)).argmax(1)
        assert report.numbers["explained"][0, at] == int(answer)
        for column, name in enumerate(plan.methods):
            before, after = (
                attribute(name, one, shown, answer[None], options)[0, 0].numpy()
                for one in (analysis.model, last)
            )
            found = report.numbers["absolute"][len(plan.stages), at, column]
            if np.ptp(after) > 0:
                wanted = spearmanr(abs(before).ravel(), abs(after).ravel()).statistic
                assert found == pytest.approx(wanted, abs=0.02)
            else:
                assert np.isnan(found)


def test_the_users_network_is_untouched(built: Tiny) -> None:
    analysis = Analysis.of(built.config())
    module = analysis.model.module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    (folder,) = built.work.glob("sanity_checks-*/network")
    for file in folder.glob("*.json"):
        file.unlink()
    list(analysis.run(Selection(), Progress()))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert not module.training and not any(p.requires_grad for p in module.parameters())
    assert not module._forward_hooks and not module._backward_hooks


def test_a_killed_run_goes_on_and_yields_the_same(built: Tiny) -> None:
    before = report_of(built).numbers
    (folder,) = built.work.glob("sanity_checks-*/network")
    notes = sorted(folder.glob("*.json"))
    kept = {file.name: file.stat().st_mtime_ns for file in notes}
    gone = [notes[0], notes[2], notes[-1]]
    for file in gone:
        file.unlink()
    built.works("analyse")
    again = report_of(built).numbers
    for name, values in before.numbers.items():
        np.testing.assert_array_equal(values, again[name], err_msg=name)
    for file in set(notes) - set(gone):
        assert file.stat().st_mtime_ns == kept[file.name]


def test_the_about_page_says_it_at_a_glance(built: Tiny) -> None:
    built.works("render")
    about = page(built, "about.html")
    assert 'id="sanity_checks"' in about and "Sanity checks" in about
    for word in ("Depends on what was learned?", "Points at the thing?", "Deletion", "Insertion"):
        assert word in about
    assert 'href="tiny/sanity-checks.html"' in about
    article = page(built, "tiny/sanity-checks.html")
    for method in report_of(built).methods:
        assert method.title in article
    assert "Attention rollout" in article  # and why there is none
    for html in (about, article):
        for tag, attributes in Scan(html).found:
            assert tag != "img" or attributes.get("alt")


@pytest.mark.parametrize("publish", ["patches", "none"])
def test_photographs_and_their_outlines_stay_private(built: Tiny, publish: str) -> None:
    try:
        built.change(images__publish=publish).works("render")
        public = built.folder / "public"
        assert not list((public / "tiny").glob("sanity_checks/*"))
        article = page(built, "tiny/sanity-checks.html")
        assert "<img" not in article and "Absolute values" in article
    finally:
        built.change(images__publish="whole").works("render")
    assert list((built.folder / "public" / "tiny").glob("sanity_checks/*-map-*.webp"))


def test_the_maps_of_the_first_image_stand_in_rows(built: Tiny) -> None:
    report = report_of(built)
    article = page(built, "tiny/sanity-checks.html")
    for name in report.plan.methods:
        for entry in range(1 + len(report.stages)):
            path = panel_picture("tiny", "sanity_checks", entry, f"map-{name}")
            assert path.removeprefix("tiny/") in article
            with Image.open(built.folder / "public" / path) as picture:
                assert picture.size == (112, 112)
    assert "sanity_checks/0-photograph.webp" in article


def test_pages_are_drawn_without_torch(built: Tiny) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['scipy'] = None\n"
        "from lamella.cli import main; main()"
    )
    (built.folder / "public" / "about.html").unlink()
    done = subprocess.run(
        [sys.executable, "-c", code, "render", str(built.file)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr


def test_a_network_without_classes_is_told(tmp_path: Path) -> None:
    network = (
        "from torch import nn\n\n\ndef network():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3)).eval()\n"
    )
    found = atlas_in(tmp_path, network)
    found.change(model__classes=None)
    found.works("build")
    about = page(found, "about.html")
    assert "The network's output is no list of class scores" in about
    assert not (found.folder / "public" / "tiny" / "sanity-checks.html").exists()


def test_an_unfinished_run_shows_what_there_is(built: Tiny) -> None:
    (folder,) = built.work.glob("sanity_checks-*/network")
    notes = sorted(folder.glob("*.json"))
    kept = {file: file.read_bytes() for file in folder.parent.rglob("*.*") if file.is_file()}
    built.as_if_stopped_before(*notes[2:])
    try:
        built.works("render")
        assert "Not all stages are computed yet." in page(built, "tiny/sanity-checks.html")
        assert "Depends on what was learned?" not in page(built, "about.html")
    finally:
        for file, content in kept.items():
            file.write_bytes(content)
        built.works("render")


def test_one_image_is_enough(tmp_path: Path) -> None:
    found = atlas_in(tmp_path, images=1)
    found.works("build")
    article = page(found, "tiny/sanity-checks.html")
    assert "one image" in article and "This atlas has no masks" in article
    assert "nan" not in article


def test_settings_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    found = atlas_in(tmp_path).change(panels__sanity_checks__images=0)
    assert "panels.sanity_checks" in found.fails("build")
    assert set(SanityChecks.settings.model_fields) >= {"images", "curves", "masks"}
