"""What a figure shows of a unit: what its page shows, and no more."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from helpers.tiny import Tiny
from lamella.analyses.dataset_examples.stored import examples
from lamella.analyses.weights import stored as weights
from lamella.exports.figure import Rows, rows_of, source_line
from lamella.network.units import Unit
from lamella.pipeline.plan import open_atlas, panels_of
from lamella.site.citation import About
from lamella.site.drawing import published
from lamella.store.facts import Atlas


def atlas_of(tiny: Tiny, publish: str = "whole") -> Atlas:
    config = tiny.config()
    atlas = replace(open_atlas(config), publish=publish)
    return published(atlas, [panel for panel, _ in panels_of(config)])


def test_a_row_shows_what_the_page_shows(figured: Tiny) -> None:
    atlas = atlas_of(figured)
    facts = atlas.layer(atlas.network.layers[1])
    (row,) = rows_of(atlas, [Unit("2", 3)], 2)
    digest = atlas.network.digest[:12]
    assert row.title == f"tiny@{digest}/2:3"
    assert (
        f"in {facts.photographs} images" in row.caption and "Receptive field 7 px." in row.caption
    )
    assert row.picture is not None and row.picture.image.size == (16, 16)
    found = examples(facts, 3)
    assert found and len(row.examples) == min(2, len(found.shown)) and not row.no_examples
    exciting, inhibiting = weights.inputs(facts, 3)
    assert [one.name for one in row.inputs[0]] == [one.name for one in exciting[:3]]
    assert [one.name for one in row.inputs[1]] == [one.name for one in inhibiting[:3]]
    assert all(one.picture and one.weights.sharp for one in row.inputs[0])


def test_a_unit_of_the_first_layer_shows_its_kernel(figured: Tiny) -> None:
    (row,) = rows_of(atlas_of(figured), [Unit("0", 1)], 2)
    assert row.kernel and row.kernel.image.size == (3, 3) and row.inputs == ((), ())


def test_examples_are_cells_of_the_sheet_in_order(figured: Tiny) -> None:
    atlas = atlas_of(figured)
    facts = atlas.layer(atlas.network.layers[0])
    rows = Rows(atlas, 3)
    shown = [np.asarray(each.image) for each in rows.of(Unit("0", 0)).examples]
    found = examples(facts, 0)
    assert found and len(shown) == len(found.shown[:3]) > 1
    assert {each.shape for each in shown} == {(96, 96, 4)}
    assert not (shown[0] == shown[1]).all()


@pytest.mark.parametrize("publish", ["whole", "patches", "none"])
def test_what_stays_private_on_the_pages_stays_private_here(figured: Tiny, publish: str) -> None:
    (row,) = rows_of(atlas_of(figured, publish), [Unit("2", 3)], 2)
    assert bool(row.examples) == (publish != "none")
    if publish == "none":
        assert row.no_examples == "images are not published"


@pytest.fixture
def unvisualized(tiny: Tiny) -> Iterator[Tiny]:
    tiny.works("analyse")
    yield tiny


def test_what_was_not_computed_is_not_there(unvisualized: Tiny) -> None:
    (row,) = rows_of(atlas_of(unvisualized), [Unit("2", 3)], 2)
    assert row.picture is None and all(one.picture is None for one in row.inputs[0])
    assert "feature visualization" not in row.caption


def test_the_source_names_the_atlas_its_licence_and_where_images_are_credited(
    figured: Tiny,
) -> None:
    atlas = atlas_of(figured)
    assert source_line(About("T"), atlas) == "From T. Images keep their own licences."
    about = About("T", "", ("A", "B"), "CC0-1.0", "Photo: C.", "2026", site_url="https://a.example")
    assert source_line(about, atlas) == (
        "From T by A, B (2026), CC0-1.0. Images keep their own licences: https://a.example/about.html"
    )
    assert source_line(About("T"), atlas_of(figured, "none")) == "From T."


def test_no_examples_are_no_gap(figured: Tiny) -> None:
    (row,) = rows_of(atlas_of(figured), [Unit("2", 3)], 0)
    assert row.examples == () and row.no_examples == ""
