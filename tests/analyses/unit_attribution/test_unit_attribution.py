"""What units answer to in their examples: windows, masks, gradients, and what pages show of it."""

import base64
import io
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import NeuronGuidedBackprop
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from helpers.tiny import ENVIRONMENT, Tiny
from lamella.analyses import PANELS
from lamella.analyses.job import Job
from lamella.analyses.unit_attribution import Options, UnitAttribution
from lamella.analyses.unit_attribution import compute as making
from lamella.analyses.unit_attribution.checkpoint import Ledger
from lamella.analyses.unit_attribution.compute import Making
from lamella.analyses.unit_attribution.crops import field_of, side_of, window
from lamella.analyses.unit_attribution.drawing import Drawn, compared, marked, sheet, strokes
from lamella.analyses.unit_attribution.guided import guided
from lamella.analyses.unit_attribution.masks import axis_of, cells_of, edges_over, under, within
from lamella.analyses.unit_attribution.occlusion import activated, explained
from lamella.analyses.unit_attribution.schedule import entries
from lamella.analyses.unit_attribution.view import COLUMNS, SHEET, _part, _reading
from lamella.attribution.occlusion import mean_colour
from lamella.config.config import Preprocessing
from lamella.network.activations import cut
from lamella.network.description import Network
from lamella.network.model import Model
from lamella.network.trace import trace
from lamella.network.units import Box, Field, Layer, ReceptiveField
from lamella.pipeline.pipeline import Analysis
from lamella.pipeline.plan import open_atlas
from lamella.store.facts import Atlas, LayerFacts

SIZE = (48, 56)


# Windows


class Branches(nn.Module):
    """A fire module behind a strided convolution: two ways that are laid beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2)
        self.narrow = nn.Conv2d(4, 3, 1)
        self.wide = nn.Conv2d(4, 3, 3, padding=1)
        self.last = nn.Conv2d(6, 4, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        found = functional.max_pool2d(functional.relu(self.stem(image)), 3, 2, ceil_mode=True)
        both = torch.cat([self.narrow(found), self.wide(found)], 1)
        pooled = functional.max_pool2d(functional.relu(both), 3, 2, ceil_mode=True)
        return functional.relu(self.last(pooled))


NETWORKS: dict[str, Any] = {
    "strided": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.Conv2d(4, 4, 3, stride=2), nn.ReLU()
    ),
    "padded": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 7, stride=2, padding=3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, padding=1),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.ReLU(),
    ),
    "dilated": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=2, dilation=2), nn.ReLU(), nn.Conv2d(4, 4, 3, stride=3)
    ),
    "ceiled": Branches,
    "averaged": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=False),
        nn.Conv2d(4, 4, (1, 5), padding=(0, 2)),
    ),
}


def places(extent: int) -> list[int]:
    """Some positions along an axis: those at the borders, and a few between them."""
    return sorted({0, 1, extent // 3, extent // 2, extent - 2, extent - 1} & set(range(extent)))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_window_gives_the_activation_of_the_whole_image(name):
    torch.manual_seed(1)
    network = NETWORKS[name]().eval()
    image = torch.randn(1, 3, *SIZE)
    smaller = 0
    for traced in trace(network, SIZE):
        layer, see = traced.layer, cut(network, traced.observed)
        assert layer.field is not None
        with torch.no_grad():
            whole = see(image)
            for row in places(layer.height):
                for column in places(layer.width):
                    part = window(layer.field, row, column, SIZE)
                    box = part.box
                    rows = slice(box.top, box.top + box.height)
                    found = see(image[:, :, rows, box.left : box.left + box.width])
                    torch.testing.assert_close(
                        found[0, :, part.row, part.column],
                        whole[0, :, row, column],
                        msg=lambda m, at=(layer.name, row, column): f"{at}: {m}",
                    )
                    smaller += (box.height, box.width) != SIZE
    assert smaller  # windows that are the whole image prove nothing


@given(
    st.integers(1, 60),
    st.sampled_from([1, 2, 3, 4, 8, 16]),
    st.integers(-40, 0),
    st.integers(20, 90),
)
def test_windows_hold_the_field_on_the_layers_grid_and_have_one_size(size, stride, start, extent):
    axis = ReceptiveField(size, stride, start)
    assume(side_of(axis, extent) < extent)
    layer = Layer("a", "convolution", 1, 9, 9, Field(axis, axis))
    for position in range(12):
        part = window(layer.field, position, 0, (extent, extent))
        first, last = part.box.top, part.box.top + part.box.height
        assert part.box.height == part.box.width == side_of(axis, extent)
        assert first % stride == 0 and first >= 0 and last <= extent
        assert part.row == position - first // stride
        seen = layer.box(position, 0, extent, extent)
        if axis.start + position * stride < extent:  # the position has some of the image
            assert first <= seen.top and seen.top + seen.height <= last
        if axis.start + position * stride + size > extent:
            assert last == extent
        if axis.start + position * stride < 0:
            assert first == 0


def test_units_that_see_much_run_on_whole_images():
    def layer(size: int) -> Layer:
        axis = ReceptiveField(size, 8, 0)
        return Layer("a", "convolution", 1, 9, 9, Field(axis, axis))

    assert field_of(layer(100), (224, 224)) and not field_of(layer(180), (224, 224))
    assert field_of(Layer("fc", "linear", 1, 1, 1, None), (224, 224)) is None
    assert window(None, 0, 0, (20, 30)).box == Box(0, 0, 30, 20)


# Masks and grids


@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 9), st.sampled_from([1.0, 1.5, 3.0]))
def test_masks_lie_over_their_part_and_sums_are_those_of_a_loop(height, width, cells, share):
    box = Box(3, 2, width, height)
    edges = edges_over(box, cells, share).reshape(cells, cells, 4)
    rows, columns = cells_of(box, cells)
    values = np.random.default_rng(0).random((height, width)).astype(np.float32)
    sums = under(values, cells, share)
    assert sums.shape == (rows, columns)
    covered = np.zeros((height, width), bool)
    for row, column in np.ndindex(cells, cells):
        top, bottom, left, right = edges[row, column].tolist()
        if row >= rows or column >= columns:
            assert top == bottom and left == right  # nobody asks for it
            continue
        top, bottom, left, right = top - 2, bottom - 2, left - 3, right - 3
        assert 0 <= top < bottom <= height and 0 <= left < right <= width
        assert sums[row, column] == pytest.approx(
            float(values[top:bottom, left:right].sum()), rel=1e-4
        )
        covered[top:bottom, left:right] = True
    assert covered.all()
    assert axis_of(3, 7, 1.5) == ((0, 1), (1, 2), (2, 3))


def test_a_part_of_a_grid_is_torchs_interpolation():
    grid = np.random.default_rng(2).random((7, 7)).astype(np.float32)
    box = Box(20, 30, 140, 98)
    found = within(grid, (224, 224), box, 7)
    places = [
        first + (torch.arange(7) + 0.5) * length / 7 for first, length in ((30, 98), (20, 140))
    ]
    at = torch.stack(torch.meshgrid(places[1], places[0], indexing="xy"), -1) / 112 - 1
    expected = functional.grid_sample(
        torch.from_numpy(grid)[None, None],
        at[None].float(),
        padding_mode="border",
        align_corners=False,
    )
    np.testing.assert_allclose(found, expected[0, 0], atol=1e-5)
    np.testing.assert_allclose(within(grid, (224, 224), Box(0, 0, 224, 224), 7), grid, atol=1e-6)


@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 40))
def test_every_look_runs_once_under_every_mask(looks, masks, batch):
    every = range(looks * (masks + 1))
    runs = [entries(every[at : at + batch], masks) for at in every[::batch]]
    expected = [(look, mask) for look in range(looks) for mask in range(masks + 1)]
    assert [tuple(pair) for pair in np.concatenate(runs).tolist()] == expected


# Guided backpropagation


class Pixels:
    """Images that are not files."""

    def __init__(self, number: int, height: int, width: int) -> None:
        random = np.random.default_rng(4)
        self.all = random.integers(0, 256, (number, height, width, 3), dtype=np.uint8)

    def pixels(self, number: int) -> np.ndarray:
        return self.all[number]


def model_of(network: nn.Module, size: tuple[int, int] = SIZE) -> Model:
    network.eval().requires_grad_(False)
    traced = {one.layer.name: one for one in trace(network, size)}
    facts = Network("a", "", "", "", 0, size, {}, tuple(one.layer for one in traced.values()))
    plain = Preprocessing(size=48, resize=48, mean=(0, 0, 0), std=(1, 1, 1))
    return Model(network, plain, traced, facts, torch.device("cpu"))


def _strongest(model: Model, images: Pixels, layer: str, image: int, row: int, column: int) -> int:
    """The unit that says most at a place."""
    see = cut(model.module, model.traced[layer].observed)
    return int(
        see(model.normalise(model.shown(images.pixels(image)[None])))[0, :, row, column].argmax()
    )


@pytest.mark.parametrize("windows", [False, True])
def test_guided_gradients_are_captums(windows):
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(6, 6, 3, padding=1),
        nn.ReLU(),
    )
    model, images = model_of(network), Pixels(3, *SIZE)
    layer = model.traced["3"].layer
    last = (layer.height - 1, layer.width - 1)
    wanted = [
        (_strongest(model, images, "3", image, *at), image, *at)
        for image, at in ((0, (2, 3)), (1, (0, 0)), (2, last), (1, (5, 6)))
    ]
    field = layer.field if windows else None
    asked = [(channel, image, window(field, *at, SIZE)) for channel, image, *at in wanted]
    found = guided(model, images, "3", asked, most=3)
    # captum hooks the user's modules: a copy of the network takes that.
    peer = NeuronGuidedBackprop(network, network[4])
    seen = 0
    for gradient, (channel, image, row, column), (_, _, part) in zip(
        found, wanted, asked, strict=True
    ):
        shown = model.shown(images.pixels(image)[None]).requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it sets hooks
            whole = peer.attribute(shown, neuron_selector=(channel, row, column))[0]
        box = part.box
        inside = whole[:, box.top : box.top + box.height, box.left : box.left + box.width]
        np.testing.assert_allclose(gradient, inside.detach(), atol=1e-6)
        rest = whole.detach().clone()
        rest[:, box.top : box.top + box.height, box.left : box.left + box.width] = 0
        assert not rest.any()
        seen += bool(inside.any())
    assert seen == len(wanted)


def test_what_is_explained_where_an_activation_has_a_ceiling():
    torch.manual_seed(0)
    model = model_of(nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU6(), nn.Conv2d(2, 2, 3), nn.ReLU()))
    assert explained(model, "0") == model.traced["0"].target != model.traced["0"].observed
    assert explained(model, "2") == model.traced["2"].observed
    values = np.array([-1.0, 3.0, 9.0], np.float32)
    capped, plain = (
        Layer("a", "convolution", 1, 1, 1, None, activation=name) for name in ("relu6", "relu")
    )
    assert activated(capped, values).tolist() == [0, 3, 6]
    assert activated(plain, values) is values


# The whole run

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
    see = cut(model.module, explained(model, layer.name))
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
    """Also where a window does not do: a norm over positions, a gate, a map of one size."""
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
            edges = edges_over(over, 7, 1.5).reshape(7, 7, 4)[:rows, :columns]
            pixels = analysis.images.pixels(image)
            values = slow(
                model, pixels, layer, (channel, *at), [None, *edges.reshape(-1, 4).tolist()]
            )
            lost = np.float32(values[0] - np.array(values[1:])).reshape(rows, columns)
            expected = within(lost, size, box, 7) if flag else lost
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
        for layer, shard in Making(job, todo).run()
        for at, channel in enumerate(shard.channels)
    }


def everything(job: Job) -> list[tuple[Layer, list[int]]]:
    return [(layer, list(range(layer.channels))) for layer in job.model.facts.layers]


def test_a_run_that_was_stopped_goes_on(tiny, monkeypatch):
    built(tiny)
    job, ticks = job_of(tiny)
    expected = shards(job, everything(job))
    assert sum(ticks) == 13 and all(tick >= 0 for tick in ticks)
    running = Making(job, everything(job))
    first, shard = next(steps := running.run())
    steps.close()  # as a kill does, behind the masks
    assert running.path.is_file()
    found = {(first.name, channel) for channel in shard.channels}
    left = [(layer, channels) for layer, channels in everything(job) if layer.name != first.name]

    def never(*given: Any) -> None:
        raise AssertionError("masks run again")

    with monkeypatch.context() as patched:
        patched.setattr(making, "masked", never)
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
    running = Making(job, everything(job))
    running._occlude(running._asked().groups()[:1], 0, 0.2)
    assert running.path.is_file()
    again = Making(job, everything(job))
    known = [np.isfinite(values).all(-1).sum() for values in again.ledger.values.values()]
    assert known[0] > 0 and known[-1] == 0
    found = shards(job, everything(job))
    assert all(found[key][1] == picture for key, (_, picture) in expected.items())
    other, _ = job_of(tiny, cells=5)  # of other settings nothing is taken over
    assert not np.isfinite(_resumed(other, running.path)).any()


def _resumed(job: Job, path: Path) -> np.ndarray:
    ledger = Ledger(job.model.facts.layers[:1], 3, job.settings.cells**2)
    ledger.resume(path)
    path.unlink(missing_ok=True)
    ledger.resume(path)  # nothing there
    return next(iter(ledger.values.values()))


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
    job.images.paths[1].write_bytes(b"no image any more")
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


# Drawing


def drawn(box: Box, cells: tuple[int, int] = (7, 7)) -> Drawn:
    random = np.random.default_rng(0)
    gradient = random.normal(size=(3, box.height, box.width)).astype(np.float32)
    grid, lost = (random.random(cells).astype(np.float32) for _ in range(2))
    return Drawn(box, gradient, grid, lost, 2.0)


def test_a_sheet_has_the_shape_of_the_patches():
    made = sheet([drawn(Box(0, 0, 60, 30)), None, drawn(Box(3, 3, 3, 3), (3, 3))], 48)
    assert made.size == (144, 144) and made.mode == "RGBA"
    alpha = np.asarray(made)[..., 3]
    assert not alpha[48:96].any() and not alpha[:12].any()
    assert (alpha[12:36, :96] == 255).all() and (alpha[96:, :96] == 255).all()
    assert sheet([drawn(Box(0, 0, 40, 40))], 32).size == (96, 32)


def test_a_gradient_is_grey_where_it_is_nothing():
    gradient = np.zeros((3, 20, 20), np.float32)
    assert (np.asarray(strokes(gradient, (20, 20))) == 128).all()
    gradient[0, 5:9], gradient[2, 5:9] = 2.0, -1.0
    found = np.asarray(strokes(gradient, (20, 20)))
    assert found[6, 3].tolist() == [255, 128, 64] and found[15, 3].tolist() == [128, 128, 128]


def test_marks_agree_with_themselves_and_level_maps_mark_nothing():
    box = Box(0, 0, 70, 70)
    one = drawn(box)
    same = Drawn(box, one.guided, one.lost / 3, one.lost, 1.0)
    agreement, (both, first, second) = compared(same, 96)
    assert agreement == pytest.approx(1) and both > 0 and first == second == 0
    opposite = Drawn(box, one.guided, 1 - one.lost, one.lost, 1.0)
    agreement, (both, first, second) = compared(opposite, 96)
    assert agreement == pytest.approx(-1) and first > both < second
    level = Drawn(box, one.guided, np.zeros((7, 7), np.float32), one.lost, 1.0)
    assert np.isnan(compared(level, 96)[0])
    assert not marked(np.zeros((7, 7), np.float32), (96, 96)).any()
    assert not marked(np.full((7, 7), -1, np.float32), (96, 96)).any()


@settings(max_examples=30)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(8, 60), st.integers(8, 60))
def test_numbers_lie_where_the_picture_shows_them(rows, columns, height, width):
    """Pointing at a cell of a letter-boxed map reads that cell; beside it there is no number."""
    grid = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
    found = _reading(grid, Box(0, 0, width, height), "{}")
    levels = np.frombuffer(base64.b64decode(found.data), np.uint8).reshape(
        found.rows, found.columns
    )
    size = max(width, height)
    for row, column in np.ndindex(levels.shape):
        # From the square picture to the patch in its middle.
        y = ((row + 0.5) / found.rows - 0.5) * size / height + 0.5
        x = ((column + 0.5) / found.columns - 0.5) * size / width + 0.5
        if not (0 <= y < 1 and 0 <= x < 1):
            assert levels[row, column] == 255
        elif rows * columns > 1:
            value = found.low + (found.high - found.low) * levels[row, column] / 254
            assert value == pytest.approx(grid[int(y * rows), int(x * columns)], abs=0.15)


def test_places_in_words():
    grid = np.zeros((7, 7), np.float32)
    grid[3, 3] = 1
    assert _part(grid) == "middle"
    grid[0, 6] = 2
    assert _part(grid) == "upper right"
