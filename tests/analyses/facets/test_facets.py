"""A unit that was built to be polysemantic is caught, end to end; those beside it are not.

The network's second layer has a unit for each of four drawn patterns, and two that answer to
several of them alike, as 4e:55 of InceptionV1 does to cat faces, car fronts and cat legs.
"""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from helpers.tiny import Tiny
from lamella.analyses.facets import Facets
from lamella.analyses.facets.clusters import APART
from lamella.analyses.facets.view import ROW
from lamella.commands.progress import Progress
from lamella.figures import Gallery, Lines
from lamella.pipeline.pipeline import Analysis, Selection
from lamella.pipeline.plan import open_atlas
from lamella.store.facts import Atlas, LayerFacts

NETWORK = """\
import torch
from torch import nn

# Red, green, blue; columns, rows. Each answers to its pattern alone, about 1 at most.
COLUMNS = torch.tensor([[-1., 2, -1]] * 3) / 6
GREY = torch.full((3, 1, 1), 1 / 3)


def network():
    first = nn.Conv2d(3, 4, 3, padding=1)
    mix = nn.Conv2d(4, 6, 1)
    with torch.no_grad():
        first.weight[0] = COLUMNS * GREY
        first.weight[1] = COLUMNS.T * GREY
        first.weight[2] = torch.tensor([1., -1, 0])[:, None, None] / 9
        first.weight[3] = torch.tensor([0., -1, 1])[:, None, None] / 9
        first.bias[:] = torch.tensor([-0.1, -0.1, -0.1, -0.1])
        mix.weight.zero_()
        mix.weight[0, 0] = mix.weight[1, 1] = mix.weight[2, 2] = mix.weight[3, 3] = 1
        mix.weight[4, 0] = mix.weight[4, 2] = 1  # columns, and red
        mix.weight[5, 0] = mix.weight[5, 2] = mix.weight[5, 3] = 1  # and blue
        mix.bias.fill_(0.01)
    return nn.Sequential(first, nn.ReLU(), mix, nn.ReLU()).eval()
"""
PATTERNS = ("columns", "rows", "red", "blue")
NUMBER, SIDE = 26, 32
SECOND = "2"
PREPROCESSING = {"resize": SIDE, "size": SIDE, "mean": [0.0] * 3, "std": [1.0] * 3}


def draw(pattern: str, random: np.random.Generator) -> Image.Image:
    """A pattern on grey, at a place and of a strength of its own."""
    strength = random.uniform(0.8, 1)
    pixels = np.full((SIDE, SIDE, 3), 128.0)
    at = int(random.integers(3, 6))
    if pattern in ("columns", "rows"):
        lines = np.zeros((SIDE, SIDE))
        lines[:, at::4] = 1
        lines = lines if pattern == "columns" else lines.T
        pixels += 127 * strength * (2 * lines - 1)[..., None]
    pixels += random.normal(0, 2, pixels.shape)  # no two are the same file
    image = Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
    if pattern in ("red", "blue"):
        bright = round(255 * strength)
        colour = (bright, 0, 0) if pattern == "red" else (0, 0, bright)
        ImageDraw.Draw(image).ellipse((at, at, at + 20, at + 18), fill=colour)
    return image


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    folder = tmp_path_factory.mktemp("polysemantic")
    (folder / "network.py").write_text(NETWORK)
    random = np.random.default_rng(0)
    for pattern in PATTERNS:
        for at in range(NUMBER):
            path = folder / "images" / pattern / f"{at}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            draw(pattern, random).save(path)
    made = Tiny(folder).change(
        model__preprocessing=PREPROCESSING,
        analysis__panels=["facets", "dataset_examples"],
    )
    config = made.config()
    panels = ("facets", "dataset_examples")
    for _ in Analysis.of(config).run(Selection(panels=panels), Progress()):
        pass
    return open_atlas(config)


@pytest.fixture
def facts(atlas: Atlas) -> LayerFacts:
    return atlas.layer(next(layer for layer in atlas.network.layers if layer.name == SECOND))


def labels_of(facts: LayerFacts, channel: int) -> list[Counter[str]]:
    """The labels of each kind of a unit's examples."""
    group = facts.of("facets")["group"][channel]
    images = facts.of("survey")["top_image"][channel]
    return [
        Counter(facts.manifest.photographs[image].label for image in images[group == kind].tolist())
        for kind in range(int(facts.of("facets")["facets"][channel]))
    ]


@pytest.mark.parametrize(
    ("channel", "kinds"), [(4, {"columns", "red"}), (5, {"columns", "red", "blue"})]
)
def test_every_kind_of_a_polysemantic_unit_is_found(facts, channel, kinds):
    found = labels_of(facts, channel)
    assert [len(kind) for kind in found] == [1] * len(kinds), "each kind is one pattern"
    assert {label for kind in found for label in kind} == kinds
    assert facts.of("facets")["score"][channel] >= APART


def test_units_with_one_pattern_have_one_kind(facts):
    for channel, pattern in enumerate(PATTERNS):
        (kind,) = labels_of(facts, channel)
        assert set(kind) == {pattern} and kind.total() == 24
        assert facts.of("facets")["score"][channel] < APART


def test_the_page_has_a_row_of_patches_for_each_kind(facts):
    sentence, *rows = Facets().view(facts, 5)
    assert isinstance(sentence, Gallery) and "three kinds" in sentence.note and not sentence.tiles
    group = facts.of("facets")["group"][5]
    for kind, row in enumerate(rows):
        assert isinstance(row, Gallery) and 3 <= len(row.tiles) <= ROW
        assert row.title.startswith(f"Kind {kind + 1}: {(group == kind).sum()} of 24")
        (label,) = labels_of(facts, 5)[kind]
        assert label in row.title
        for tile in row.tiles:
            assert tile.detail == label and group[tile.picture.cell] == kind
            assert (tile.picture.columns, tile.picture.rows) == (6, 4)
        strengths = [float(tile.caption) for tile in row.tiles]
        assert strengths == sorted(strengths, reverse=True)
    (alone,) = Facets().view(facts, 0)
    assert isinstance(alone, Gallery) and not alone.tiles and alone.note.startswith("One kind")


def test_no_patch_is_shown_where_photographs_are_not_published(atlas, facts):
    private = replace(atlas, publish="none").layer(facts.layer)
    figures = Facets().view(private, 4)
    assert len(figures) == 1 and not figures[0].tiles
    assert "columns" in figures[0].note and "red" in figures[0].note


def test_the_layer_and_the_network_name_the_polysemantic_ones(atlas, facts):
    (gallery,) = Facets().view_layer(facts)
    assert {tile.caption for tile in gallery.tiles} == {"channel 4", "channel 5"}
    assert gallery.note.startswith("2 of 6 units")
    (lines,) = Facets().view_network(atlas)
    assert isinstance(lines, Lines) and lines.names[-1] == SECOND
    assert lines.series[1].values[-1] == pytest.approx(2 / 6)


@pytest.fixture
def again(atlas: Atlas, tmp_path: Path) -> Tiny:
    """The same network and photographs, of which nothing is known yet."""
    shutil.copytree(
        atlas.store.root.parent, tmp_path / "again", ignore=shutil.ignore_patterns("work")
    )
    other = Tiny(tmp_path / "again")
    panels = {"diversity": {"steps": 1, "pictures": 2}}
    return other.change(model__preprocessing=PREPROCESSING, analysis__panels=["*"], panels=panels)


def run(tiny: Tiny, panel: str, *channels: int) -> Atlas:
    for _ in Analysis.of(tiny.config()).run(Selection((SECOND,), (panel,), channels), Progress()):
        pass
    return open_atlas(tiny.config())


def test_some_channels_alone_give_the_same(facts, again, monkeypatch):
    """A unit's facets depend neither on who else is asked for, nor on what is in memory."""
    monkeypatch.setattr("lamella.analyses.facets.compute.HELD", 1)
    run(again, "facets", 5)
    found = run(again, "facets", 0, 4).layer(facts.layer).of("facets")
    some = np.flatnonzero(found.present)
    assert some.tolist() == [0, 4, 5]
    for name in ("group", "facets", "score", "silhouette"):
        np.testing.assert_array_equal(found[name][some], facts.of("facets")[name][some])


def test_different_pictures_are_made_of_polysemantic_units(facts, again):
    early = run(again, "diversity").layer(facts.layer).of("diversity")
    assert not early.present.any(), "whose facets are not known is left to do"
    run(again, "facets", 0, 4)
    found = run(again, "diversity").layer(facts.layer).of("diversity")
    assert np.flatnonzero(found.present).tolist() == [0, 4]
    assert found["split"].tolist() == [0, 0, 0, 0, 1, 0]
    assert set(found.pictures["diversity"]) == {4}


def test_too_few_photographs_say_so(tiny: Tiny):
    """Three photographs, and one alone: nothing can be told, and nothing breaks."""
    tiny.change(analysis__panels=["facets"])
    tiny.works("build")
    atlas = open_atlas(tiny.config())
    for facts in atlas.layers():
        own = facts.of("facets")
        assert own.present.all() and np.isnan(own["score"]).all() and (own["facets"] == 1).all()
        for channel in range(facts.layer.channels):
            for figure in Facets().view(facts, channel):
                assert "too few" in figure.note
        assert Facets().view_layer(facts) == ()
    for path in sorted((tiny.folder / "images").rglob("*.png"))[1:]:
        path.unlink()
    tiny.works("build")
    for facts in open_atlas(tiny.config()).layers():
        assert facts.of("facets").present.all() and facts.photographs == 1
