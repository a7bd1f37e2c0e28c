"""What stands beside the pages for programs."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.fake_atlas import ABOUT, PANELS, Fake
from helpers.pages import HOSTILE, hostile
from lamella.figures import links
from lamella.network.units import Unit
from lamella.site import catalogue
from lamella.site.catalogue import CHANNEL, Catalogue
from lamella.site.pages import render
from lamella.store.facts import Atlas

SMALL = Fake(
    layers=(("conv1", 3), ("mixed.Up_1", 66), ("fc", 2)),
    side=32,
    photographs=6,
    classes=("=1+1", "dog, brown"),
    done=("conv1", "fc"),
)


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return SMALL.write(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def site(atlas: Atlas, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "out"
    render(ABOUT, atlas, PANELS, out)
    return out


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_every_address_of_the_catalogue_leads_to_a_file(site: Path) -> None:
    found = Catalogue.model_validate_json((site / "atlas.json").read_bytes())
    assert (site / found.network.page).is_file()
    for layer in found.layers:
        assert (site / layer.page).is_file() and (site / layer.units).is_file()
        for channel in range(layer.channels):
            for path in (layer.unit_page, *(each.path for each in layer.pictures.values())):
                assert (site / path.replace(CHANNEL, str(channel))).is_file(), path
        made = "picture" in layer.pictures
        assert made == (layer.name in ("conv1", "fc"))


def test_all_pictures_of_units_are_listed(site: Path) -> None:
    found = Catalogue.model_validate_json((site / "atlas.json").read_bytes())
    listed = {
        each.path.replace(CHANNEL, str(channel))
        for layer in found.layers
        for channel in range(layer.channels)
        for each in layer.pictures.values()
    }
    own = {path.relative_to(site).as_posix() for path in site.glob("tiny/*/[0-9]*-*.webp")}
    assert own - {p for p in own if p.startswith(("tiny/images/", "tiny/depth/"))} == listed


def test_the_schema_is_that_of_the_catalogue(site: Path) -> None:
    schema = json.loads((site / "atlas.schema.json").read_bytes())
    plain = json.loads((site / "atlas.json").read_bytes())
    assert plain.pop("$schema") == "atlas.schema.json"
    assert set(schema["required"]) == set(schema["properties"]) == set(plain)
    entry = schema["$defs"]["LayerEntry"]
    assert set(entry["required"]) == set(entry["properties"]) == set(plain["layers"][0])


def test_a_table_has_a_row_for_each_unit_and_its_class(site: Path, atlas: Atlas) -> None:
    for layer in atlas.network.layers:
        rows = table(site / links.units_table("tiny", layer.name))
        assert [row["channel"] for row in rows] == list(map(str, range(layer.channels)))
        assert [row["identifier"] for row in rows] == [
            f"tiny@0123456789ab/{Unit(layer.name, at)}" for at in range(layer.channels)
        ]
    assert [row["class"] for row in rows] == ["'=1+1", "dog, brown"]
    assert "class" not in table(site / "tiny/conv1/units.csv")[0]


def test_numbers_are_those_of_the_pages_and_unknown_ones_are_empty(
    site: Path, atlas: Atlas
) -> None:
    layer = atlas.network.layers[0]
    survey = atlas.layer(layer).of("survey")
    rows = table(site / "tiny/conv1/units.csv")
    assert [float(row["examples"]) for row in rows] == [
        min(12, int((survey["top_image"][at, :12] >= 0).sum())) for at in range(3)
    ]
    assert {row["receptive_field"] for row in rows} == {"7"}
    assert "receptive_field" not in table(site / "tiny/fc/units.csv")[0]  # it sees all of it
    assert catalogue._number(float("nan")) == catalogue._number(float("inf")) == ""


def test_without_images_there_are_no_examples(tmp_path: Path) -> None:
    private = replace(SMALL, publish="none").write(tmp_path / "work")
    render(ABOUT, private, PANELS, tmp_path / "site")
    rows = table(tmp_path / "site/tiny/conv1/units.csv")
    assert {row["examples"] for row in rows} == {""}
    found = Catalogue.model_validate_json((tmp_path / "site/atlas.json").read_bytes())
    assert all("patches" not in layer.pictures for layer in found.layers)


@given(st.text(max_size=20))
def test_no_cell_is_a_formula_and_each_is_read_back(text: str) -> None:
    written = catalogue.cell(text)
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert catalogue.text_of(written) == catalogue.visible(text)


def test_hostile_names_do_not_break_a_table(tmp_path: Path) -> None:
    atlas = hostile(tmp_path / "work")
    render(ABOUT, atlas, PANELS, tmp_path / "site")
    found = Catalogue.model_validate_json((tmp_path / "site/atlas.json").read_bytes())
    assert [layer.name for layer in found.layers] == list(HOSTILE)
    for layer in found.layers:
        rows = table(tmp_path / "site" / layer.units)
        assert len(rows) == 2 and all(None not in row for row in rows)


def test_a_table_is_light(site: Path, atlas: Atlas) -> None:
    for layer in atlas.network.layers:
        size = (site / links.units_table("tiny", layer.name)).stat().st_size
        assert size <= 150 + 120 * layer.channels
