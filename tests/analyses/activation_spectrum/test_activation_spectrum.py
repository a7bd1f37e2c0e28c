"""What a unit's page shows of its activation spectrum under each `publish`."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from helpers.tiny import Tiny, write_images
from lamella.analyses.activation_spectrum import ActivationSpectrum
from lamella.analyses.activation_spectrum.stored import MAPS, PATCHES
from lamella.analyses.dataset_examples import DatasetExamples
from lamella.figures import Gallery
from lamella.pipeline.pipeline import Analysis
from lamella.pipeline.plan import keys_of, open_atlas
from lamella.store.facts import EXAMPLES, Atlas
from lamella.survey.bins import PER_BAND

PANELS = ["dataset_examples", "activation_spectrum", "photographs"]


def built(tiny: Tiny, publish: str, number: int = 30) -> Atlas:
    write_images(tiny.folder / "images", number)
    tiny.change(analysis__panels=PANELS, images__publish=publish)
    tiny.works("build")
    return open_atlas(tiny.config())


def page(tiny: Tiny, unit: str) -> str:
    return (tiny.folder / "public" / "tiny" / unit).read_text()


def section(text: str) -> str:
    found = re.search(r'<section id="activation_spectrum".*?</section>', text, re.DOTALL)
    return found[0] if found else ""


def test_photographs_lie_under_their_maps(tiny):
    atlas = built(tiny, "whole")
    for facts in atlas.layers():
        own, survey = facts.of("activation_spectrum"), facts.of("survey")
        assert own.present.all()
        for channel in range(facts.layer.channels):
            figures = ActivationSpectrum().view(facts, channel)
            assert bool(figures) != facts.silent(channel)
            tiles = [tile for figure in figures for tile in figure.tiles]
            for tile in tiles:
                assert tile.picture.alt and tile.beside.alt and tile.picture.over.alt == ""
                assert tile.picture.src == tile.beside.src and "/images/" in tile.picture.src
                assert (tiny.folder / "public" / tile.picture.src).is_file()
                assert (tiny.folder / "public" / tile.picture.over.src).is_file()
                assert tile.beside.over.cell == tile.picture.over.cell + PER_BAND
            if figures:
                sheet = Image.open(io.BytesIO(own.pictures[MAPS][channel]))
                side = own.sheets[MAPS].width
                assert sheet.size == (8 * side, own.sheets[MAPS].rows * side)
                # The strongest photograph reaches full colour, on the scale of the unit.
                first = np.asarray(sheet.convert("RGBA"))[:side, :side, 3]
                assert first.max() > 0.5 * 217 and survey["maximum"][channel] > 0
    shown = section(page(tiny, "0/0.html"))
    assert shown.count('class="twin"') >= 8 and 'class="over cell c8' in shown
    assert 'style="' not in shown and "one scale for all rows" in shown


def test_a_layers_negative_side_has_its_own_row(tiny):
    atlas = built(tiny, "whole", 12)
    facts = next(facts for facts in atlas.layers() if facts.layer.signed)
    titles = {
        figure.title for channel in range(3) for figure in ActivationSpectrum().view(facts, channel)
    }
    assert "Most negative" in titles


def test_patches_where_only_those_are_published(tiny):
    atlas = built(tiny, "patches", 12)
    public = tiny.folder / "public"
    assert not list(public.rglob("images/*.webp")) and not list(public.rglob(f"*{MAPS}*"))
    assert list(public.rglob(f"*{PATCHES}*"))
    shown = section(page(tiny, "0/0.html"))
    assert shown and "over" not in re.findall(r'class="([^"]*)"', shown)
    assert "/images/" not in shown
    for facts in atlas.layers():
        assert MAPS not in facts.of("activation_spectrum").pictures


@pytest.mark.parametrize("publish", ["patches", "none"])
def test_maps_go_from_the_site_as_soon_as_photographs_are_private(tiny, publish):
    """Without another analysis: maps of early layers show what is in a photograph."""
    built(tiny, "whole", 6)
    public = tiny.folder / "public"
    assert list(public.rglob(f"*{MAPS}*")) and list(public.rglob("images/*.webp"))
    tiny.change(images__publish=publish).works("render")
    assert not list(public.rglob(f"*{MAPS}*")) and not list(public.rglob("images/*.webp"))
    assert MAPS not in page(tiny, "0/0.html")


def test_nothing_where_nothing_is_published(tiny):
    atlas = built(tiny, "none", 6)
    assert not list((tiny.folder / "public").rglob("*spectrum*"))
    assert "not published" in section(page(tiny, "0/0.html"))
    for facts in atlas.layers():
        assert (
            facts.of("activation_spectrum").present.all()
            and not facts.of("activation_spectrum").pictures
        )


def test_one_image_and_broken_ones(tiny):
    for path in (tiny.folder / "images").rglob("*.png"):
        path.unlink()
    write_images(tiny.folder / "images", 1)
    (tiny.folder / "images" / "broken.png").write_bytes(b"nothing")
    tiny.change(analysis__panels=PANELS)
    tiny.works("build")
    atlas = open_atlas(tiny.config())
    for facts in atlas.layers():
        for channel in range(facts.layer.channels):
            tiles = [
                tile
                for figure in ActivationSpectrum().view(facts, channel)
                if isinstance(figure, Gallery) and figure.title != "Most negative"
                for tile in figure.tiles
            ]
            assert len(tiles) == (not facts.silent(channel))


def test_all_equal_images_are_told_from_nothing(tiny):
    """Every photograph grey: every peak the same, every map flat."""
    for at, path in enumerate(sorted((tiny.folder / "images").rglob("*.png"))):
        Image.new("RGB", (24 + at, 24), (128, 128, 128)).save(path)
    tiny.change(analysis__panels=PANELS)
    tiny.works("build")
    facts = next(open_atlas(tiny.config()).layers())
    excited = [channel for channel in range(4) if not facts.silent(channel)]
    assert excited
    for channel in excited:
        assert len(ActivationSpectrum().view(facts, channel)[0].tiles) == 3


# What is published, and one example per label


def test_every_photograph_that_a_page_shows_is_published(tiny):
    tiny.change(analysis__layers=["0"])  # few units, so that not all photographs are shown
    built(tiny, "whole", 150)
    public = tiny.folder / "public"
    wanted = set()
    for path in public.rglob("*.html"):
        wanted |= set(re.findall(r'"[^"]*?(tiny/images|images)/(\d+)\.webp"', path.read_text()))
    assert 12 < len(wanted) < 150
    for _, number in wanted:
        assert (public / "tiny" / "images" / f"{number}.webp").is_file()


def test_a_sheet_holds_all_top_examples_in_order(tiny):
    atlas = built(tiny, "whole", 30)
    facts = next(atlas.layers())
    own, survey = facts.of("dataset_examples"), facts.of("survey")
    sheet = own.sheets["patches"]
    assert (sheet.columns, sheet.rows) == (6, 4)
    assert survey["top_image"].shape[1] == sheet.columns * sheet.rows
    (figure,) = DatasetExamples().view(facts, 0)
    assert len(figure.tiles) == EXAMPLES
    assert [tile.picture.cell for tile in figure.tiles] == list(range(EXAMPLES))
    analysis = Analysis.of(tiny.config())
    drawn = np.asarray(Image.open(io.BytesIO(own.pictures["patches"][0])).convert("RGB"))
    for cell, image in enumerate(survey["top_image"][0].tolist()):
        row, column = divmod(cell, sheet.columns)
        shown = drawn[row * sheet.height :, column * sheet.width :]
        place = survey["top_row"][0, cell], survey["top_column"][0, cell]
        box = facts.layer.box(*map(int, place), 16, 16)
        cut = analysis.images.pixels(image)[box.top :, box.left :][: box.height, : box.width]
        found = shown[: sheet.height, : sheet.width].mean(axis=(0, 1))
        np.testing.assert_allclose(found, cut.mean(axis=(0, 1)), atol=16)


def test_one_example_per_class(tiny):
    write_images(tiny.folder / "images", 30)
    tiny.change(analysis__panels=PANELS, panels__dataset_examples__one_per_class=True)
    tiny.works("build")
    for facts in open_atlas(tiny.config()).layers():
        own, labels = facts.of("dataset_examples"), facts.of("labels")
        assert own.sheets["patches"].columns == 6  # the contract: cell i is top example i
        for channel in range(facts.layer.channels):
            (figure,) = DatasetExamples().view(facts, channel)
            if facts.silent(channel):
                continue
            said = [tile.detail for tile in figure.tiles]
            assert sorted(said) == sorted(set(said)) and set(said) <= {"even", "odd"}
            activations = [float(tile.caption) for tile in figure.tiles]
            assert activations == sorted(activations, reverse=True)
            assert "each label" in figure.note
            assert labels["distinct_image"][channel, 0] >= 0


def test_one_per_class_without_labels_is_said_before_anything_runs(tiny):
    tiny.change(
        analysis__panels=PANELS,
        images__labels="none",
        panels__dataset_examples__one_per_class=True,
    )
    said = tiny.fails("build")
    assert "one_per_class: none of the photographs has a label" in said
    assert not list(tiny.work.glob("survey-*"))


def test_labels_matter_only_to_one_per_class(tiny):
    tiny.change(analysis__panels=PANELS)
    network = Analysis.of(tiny.config()).model.facts

    def keys(**changes: object) -> dict[str, str]:
        tiny.change(**changes)
        return keys_of(tiny.config(), network, Analysis.of(tiny.config()).images.manifest)

    by_folder = keys()
    assert keys(images__labels="file")["dataset_examples"] == by_folder["dataset_examples"]
    one = keys(images__labels="folder", panels__dataset_examples__one_per_class=True)
    assert keys(images__labels="file")["dataset_examples"] != one["dataset_examples"]
