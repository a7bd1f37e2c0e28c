"""What units answer to in their examples: the whole run, and what pages show of it."""

import io
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.tiny import ENVIRONMENT, Tiny
from lamella.analyses import PANELS
from lamella.analyses.job import Job
from lamella.analyses.unit_attribution import Options, UnitAttribution, compute
from lamella.analyses.unit_attribution.checkpoint import Checkpoint
from lamella.analyses.unit_attribution.compute import AttributionRun
from lamella.analyses.unit_attribution.masks import cells_of, mask_edges, resampled
from lamella.analyses.unit_attribution.occlusion import attributed_address
from lamella.analyses.unit_attribution.stored import COLUMNS, SHEET
from lamella.attribution.occlusion import mean_colour
from lamella.network.activations import cut
from lamella.network.model import Model
from lamella.network.units import Box, Layer
from lamella.pipeline.pipeline import Analysis
from lamella.pipeline.plan import open_atlas
from lamella.store.facts import Atlas, LayerFacts

PLAIN = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.25], "resize": 20, "size": 16}
NORMED = """\
import torch
from torch import nn


def network():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Conv2d(4, 6, 3, padding=1)]
    return nn.Sequential(*layers, nn.ReLU()).eval()
"""
GATED = """\
import torch
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.last = nn.Conv2d(3, 4, 3, stride=2), nn.Conv2d(4, 6, 3)
        self.down, self.up = nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1)

    def forward(self, image):
        found = torch.relu(self.stem(image))
        gate = torch.sigmoid(self.up(torch.relu(self.down(found.mean((2, 3), keepdim=True)))))
        return torch.relu(self.last(found * gate))


def network():
    return Network().eval()
"""
FIXED = """\
import torch
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.last = nn.Conv2d(3, 4, 3, stride=2), nn.Conv2d(4, 6, 1)
        self.places = nn.Parameter(torch.randn(1, 4, 7, 7))

    def forward(self, image):
        return torch.relu(self.last(torch.relu(self.stem(image)) + self.places))


def network():
    return Network().eval()
"""
ONE_PIXEL = """\
import torch
from torch import nn


def network():
    # Each of its units answers to one pixel of what it sees: the first, and the last but one.
    layers = nn.Sequential(nn.Conv2d(3, 2, 5, bias=False), nn.ReLU())
    with torch.no_grad():
        layers[0].weight.zero_()
        layers[0].weight[0, :, 0, 0] = 1
        layers[0].weight[1, :, 4, 3] = 1
    return layers.eval()
"""


def built(tiny: Tiny, network: str = "", *options: str, **keys: Any) -> Atlas:
    if network:
        (tiny.folder / "network.py").write_text(network)
    change = {"analysis__panels": ["dataset_examples", "unit_attribution"]}
    tiny.change(
        **(change | {f"model__preprocessing__{key}": one for key, one in PLAIN.items()} | keys)
    )
    tiny.works("build", *options)
    return open_atlas(tiny.config())


def every(atlas: Atlas) -> list[LayerFacts]:
    return list(atlas.layers())


def slow(
    model: Model, pixels: np.ndarray, layer: Layer, at: tuple[int, int, int], boxes: Sequence
) -> list:
    """The value of one unit under masks, one whole image after another."""
    see = cut(model.module, attributed_address(model, layer.name))
    found = []
    for box in boxes:
        shown = torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255
        if box is not None:
            top, bottom, left, right = box
            shown[:, :, top:bottom, left:right] = mean_colour(model)[:, None, None]
        found.append(float(see(model.normalise(shown))[0][at]))
    return found


@pytest.mark.parametrize(
    ("network", "whole"),
    [("", {"6"}), (NORMED, {"0", "3"}), (GATED, {"up", "last", "down"}), (FIXED, {"last"})],
)
def test_lost_activations_are_those_of_a_loop(tiny, network, whole):
    """Also where a crop does not do: a norm over positions, a gate, a map of one size."""
    atlas = built(tiny, network)
    analysis = Analysis.of(tiny.config())
    model, size = analysis.model, analysis.model.facts.size
    seen, ran_whole = 0, set()
    for facts in every(atlas):
        own, survey, layer = facts.of("unit_attribution"), facts.of("survey"), facts.layer
        assert own.present.all()
        for channel, place in np.ndindex(layer.channels, 3):
            image = int(survey["top_image"][channel, place])
            activation = float(survey["top_activation"][channel, place])
            if image < 0 or activation <= 0:
                assert np.isnan(own["before"][channel, place])
                continue
            if (channel + place) % 2:  # half of them tell
                continue
            at = tuple(int(survey[f"top_{name}"][channel, place]) for name in ("row", "column"))
            box = layer.box(*at, *size)
            flag = bool(own["whole"][channel, place])
            if flag:
                ran_whole.add(layer.name)
            over = Box(0, 0, size[1], size[0]) if flag else box
            rows, columns = cells_of(over, 7)
            edges = mask_edges(over, 7, 1.5).reshape(7, 7, 4)[:rows, :columns]
            pixels = analysis.images.pixels(image)
            values = slow(
                model, pixels, layer, (channel, *at), [None, *edges.reshape(-1, 4).tolist()]
            )
            lost = np.float32(values[0] - np.array(values[1:])).reshape(rows, columns)
            expected = resampled(lost, size, box, 7) if flag else lost
            assert own["before"][channel, place] == pytest.approx(activation, rel=1e-4)
            found = own["maps"][channel, place, 0].astype(np.float32) * activation
            np.testing.assert_allclose(
                found[: expected.shape[0], : expected.shape[1]],
                expected,
                atol=2e-3 * max(1, np.abs(expected).max()),
            )
            seen += 1
    assert ran_whole == whole and seen > 10


def test_maps_peak_where_the_unit_looks(tiny):
    atlas = built(tiny, ONE_PIXEL, model__preprocessing__mean=[0.0, 0.0, 0.0])
    (facts,) = every(atlas)
    own = facts.of("unit_attribution")
    for channel, at in ((0, (0, 0)), (1, (4, 3))):
        for place in range(3):
            lost, grid = own["maps"][channel, place].astype(np.float32)[:, :5, :5]
            expected = np.zeros((5, 5))
            expected[at] = 1  # all of the activation, and all of the gradient
            np.testing.assert_allclose(lost, expected, atol=1e-3)
            np.testing.assert_allclose(grid, expected, atol=1e-3)
            assert own["agreement"][channel, place] == pytest.approx(1)
            both, first, second = own["marks"][channel, place]
            assert both == pytest.approx(0.04, abs=0.03) and first == second == 0
        words = " ".join(
            tile.picture.alt for one in UnitAttribution().view(facts, channel) for tile in one.tiles
        )
        assert ("upper left" if channel == 0 else "lower centre") in words


def job_of(tiny: Tiny, **settings: Any) -> tuple[Job, list]:
    analysis = Analysis.of(tiny.config())
    ticks: list[int] = []
    job = analysis.job(UnitAttribution(), Options(**settings), ticks.append)
    return job, ticks


def shards(job: Job, todo: Any) -> dict:
    return {
        (layer.name, channel): (
            {name: values[at] for name, values in shard.numbers.items()},
            shard.pictures[SHEET][at],
        )
        for layer, shard in compute.shards(job, todo)
        for at, channel in enumerate(shard.channels)
    }


def everything(job: Job) -> list[tuple[Layer, list[int]]]:
    return [(layer, list(range(layer.channels))) for layer in job.model.facts.layers]


def test_a_run_that_was_stopped_goes_on(tiny, monkeypatch):
    built(tiny)
    job, ticks = job_of(tiny)
    expected = shards(job, everything(job))
    assert sum(ticks) == 13 and all(tick >= 0 for tick in ticks)
    running = AttributionRun(job, everything(job))
    first, shard = next(steps := running.shards())
    steps.close()  # as a kill does, behind the masks
    assert running.path.is_file()
    found = {(first.name, channel) for channel in shard.channels}
    left = [(layer, channels) for layer, channels in everything(job) if layer.name != first.name]

    def never(*given: Any) -> None:
        raise AssertionError("masks run again")

    with monkeypatch.context() as patched:
        patched.setattr(compute, "masked_activations", never)
        rest = shards(job, left)
    assert found | rest.keys() == expected.keys() and not found & rest.keys()
    for key, (numbers, picture) in rest.items():
        assert picture == expected[key][1]
        for name, values in numbers.items():
            np.testing.assert_array_equal(values, expected[key][0][name])
    assert not running.path.exists()


def test_a_stop_among_the_masks_keeps_those_that_ran(tiny, monkeypatch):
    built(tiny)
    job, _ = job_of(tiny)
    expected = shards(job, everything(job))
    monkeypatch.setattr("lamella.analyses.unit_attribution.checkpoint.SECONDS", 0.0)
    running = AttributionRun(job, everything(job))
    running._occlude(running._schedule().groups()[:1], 0, 0.2)
    assert running.path.is_file()
    again = AttributionRun(job, everything(job))
    known = [np.isfinite(values).all(-1).sum() for values in again.checkpoint.values.values()]
    assert known[0] > 0 and known[-1] == 0
    found = shards(job, everything(job))
    assert all(found[key][1] == picture for key, (_, picture) in expected.items())
    other, _ = job_of(tiny, cells=5)  # of other settings nothing is taken over
    assert not np.isfinite(_resumed(other, running.path)).any()


def _resumed(job: Job, path: Path) -> np.ndarray:
    checkpoint = Checkpoint(job.model.facts.layers[:1], 3, job.settings.cells**2)
    checkpoint.resume(path)
    path.unlink(missing_ok=True)
    checkpoint.resume(path)  # nothing there
    return next(iter(checkpoint.values.values()))


def test_a_unit_says_the_same_without_its_neighbours(tiny):
    built(tiny)
    job, _ = job_of(tiny)
    together = shards(job, everything(job))
    layers = {layer.name: layer for layer in job.model.facts.layers}
    for name, channel in (("0", 2), ("2", 5), ("6", 1)):
        (alone,) = shards(job, [(layers[name], [channel])]).values()
        for key, values in alone[0].items():
            expected = together[name, channel][0][key]
            np.testing.assert_allclose(values, expected, atol=2e-3, rtol=1e-3)


def test_an_image_that_broke_since_the_survey_is_left_out(tiny):
    tiny.change(analysis__panels=["dataset_examples"])
    tiny.works("build")
    tiny.change(analysis__panels=["dataset_examples", "unit_attribution"])
    job, _ = job_of(tiny)
    job.images.files[1].write_bytes(b"no image any more")
    found = shards(job, everything(job))
    for layer in job.model.facts.layers:
        top = job.atlas.layer(layer).of("survey")
        for channel in range(layer.channels):
            numbers, picture = found[layer.name, channel]
            known = np.isfinite(numbers["before"])
            wanted = (top["top_image"][channel, :3] >= 0) & (top["top_activation"][channel, :3] > 0)
            expected = wanted & (top["top_image"][channel, :3] != 1)
            assert known.tolist() == expected.tolist()
            assert bool(picture) == known.any()


# The panel


def test_it_is_registered_behind_the_facets():
    names = [panel.name for panel in PANELS]
    assert names[names.index("facets") + 1] == "unit_attribution"


def test_a_page_shows_patch_maps_and_agreement(tiny):
    atlas = built(tiny)
    shown = 0
    for facts in every(atlas):
        for channel in range(facts.layer.channels):
            figures = UnitAttribution().view(facts, channel)
            before = facts.of("unit_attribution")["before"][channel]
            assert bool(figures) == bool(np.isfinite(before).any())
            if facts.silent(channel):
                assert not figures
            for figure in figures[:-1]:
                shown += 1
                patch, first, second, both = figure.tiles
                assert all(tile.picture.alt and tile.caption for tile in figure.tiles)
                assert first.picture.reading and second.picture.reading
                assert both.picture.src == patch.picture.src and both.picture.over is not None
                cells = [first.picture.cell, second.picture.cell, both.picture.over.cell]
                assert cells == list(range(cells[0], cells[0] + COLUMNS))
                for path in (patch.picture.src, first.picture.src):
                    assert (tiny.folder / "public" / path).is_file()
                assert "lost" in second.picture.reading.words
            if figures:
                assert "Masks of" in figures[-1].note and not figures[-1].tiles
                stored = facts.of("unit_attribution").pictures[SHEET][channel]
                assert Image.open(io.BytesIO(stored)).size == (3 * 96, 3 * 96)
    assert shown > 10
    page = (tiny.folder / "public" / "tiny" / "0" / "0.html").read_text()
    assert 'id="unit_attribution"' in page and 'style="' not in page


@pytest.mark.parametrize(("publish", "seen"), [("whole", True), ("patches", True), ("none", False)])
def test_what_is_published(tiny, publish, seen):
    atlas = built(tiny, images__publish=publish)
    assert bool(list((tiny.folder / "public").rglob(f"*{SHEET}*.webp"))) == seen
    facts = every(atlas)[0]
    assert any(UnitAttribution().view(facts, channel) for channel in range(4)) == seen
    page = (tiny.folder / "public" / "tiny" / "0" / "0.html").read_text()
    assert ("agreement" in page) == seen
    # Without another analysis.
    tiny.change(images__publish="none").works("render")
    assert not list((tiny.folder / "public").rglob(f"*{SHEET}*.webp"))


def test_pages_are_rendered_without_torch(tiny):
    built(tiny)
    page = tiny.folder / "public" / "tiny" / "0" / "0.html"
    before = page.read_text()
    shutil.rmtree(tiny.folder / "public")
    code = "import sys; sys.modules['torch'] = None; from lamella.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, "render", str(tiny.file)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert result.returncode == 0, result.stderr
    assert page.read_text() == before


def test_settings_change_what_is_made(tiny):
    atlas = built(tiny, panels__unit_attribution={"examples": 1, "cells": 4, "side": 32})
    own = every(atlas)[1].of("unit_attribution")
    assert own["maps"].shape[1:] == (1, 2, 4, 4) and own.sheets[SHEET].width == 32
    said = tiny.change(panels__unit_attribution={"cells": 1}).fails("build")
    assert "[panels.unit_attribution]: 'cells'" in said
