"""A rendered atlas in Python: what it says is what the pages show."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lamella
from helpers.fake_atlas import ABOUT, PANELS, Fake
from helpers.pages import HOSTILE, Scan, hostile
from helpers.tiny import ENVIRONMENT
from helpers.without_torch import without_torch
from lamella.errors import LamellaError, SiteError
from lamella.exports.opened import Atlas
from lamella.figures import links
from lamella.network.units import Unit
from lamella.site.pages import render

DOCUMENTED = Path(__file__).parents[2] / "site" / "docs" / "python.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("atlas")
    fake = Fake(
        layers=(("conv1", 3), ("mixed.Up_1", 4), ("fc", 2)),
        side=32,
        photographs=6,
        classes=("=1+1", "<b>dog</b>"),
        done=("conv1", "fc"),
    )
    render(ABOUT, fake.write(top / "work"), PANELS, top / "site")
    return top / "site"


@pytest.fixture(scope="module")
def atlas(folder: Path) -> Atlas:
    return lamella.open(folder)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def test_layers_and_units_are_found_by_name(atlas: Atlas) -> None:
    assert list(atlas.layers) == ["conv1", "mixed.Up_1", "fc"] and len(atlas) == 9
    unit = atlas["mixed.Up_1:2"]
    assert unit.layer is atlas.layers["mixed.Up_1"] and unit.channel == 2
    assert unit.identifier == "tiny@0123456789ab/mixed.Up_1:2"
    assert [each.name for each in atlas] == [
        each.name for row in atlas.layers.values() for each in row
    ]
    assert f"<code>{unit.identifier}</code>" in unit.page.read_text()
    assert repr(atlas) == "<atlas of tiny: 3 layers, 9 units>"


def test_a_wrong_name_gets_the_near_ones(atlas: Atlas) -> None:
    with pytest.raises(LamellaError, match="Did you mean 'conv1'"):
        atlas["conv2:1"]
    with pytest.raises(LamellaError, match="channels 0 to 2"):
        atlas["conv1:3"]
    with pytest.raises(LamellaError, match="names no unit"):
        atlas["conv1"]


def test_pictures_are_those_of_the_pages(atlas: Atlas, folder: Path) -> None:
    unit = atlas["conv1:1"]
    assert unit.picture is not None
    shown = Image.open(folder / "tiny/conv1/1-picture.webp")
    assert (pixels(unit.picture) == pixels(shown)).all()
    sheet = pixels(Image.open(folder / "tiny/conv1/1-patches.webp"))
    width = atlas.layers["conv1"].entry.pictures["patches"].width
    second = sheet[:width, width : 2 * width]
    assert (pixels(unit.examples[1]) == second).all()
    assert len(unit.examples) == unit.numbers["examples"] == 6
    assert atlas["mixed.Up_1:0"].picture is None and atlas["conv1:0"].pictures("no such") == []


def test_each_feature_visualization_has_a_name_of_its_own(atlas: Atlas) -> None:
    names = [links.file_name(Unit(unit.layer.name, unit.channel), "webp") for unit in atlas]
    assert len(set(names)) == len(names) and "conv1-1.webp" in names
    assert all(re.fullmatch(r"[a-z0-9._@-]+-\d+\.webp", name) for name in names)


def test_a_frame_has_what_the_tables_have(atlas: Atlas, folder: Path) -> None:
    frame = atlas.frame()
    assert len(frame) == 9 and frame.index.is_unique
    for layer in atlas.layers.values():
        rows = csv.DictReader(io.StringIO((folder / layer.entry.units).read_text()))
        for row in rows:
            read = frame.loc[row["identifier"]]
            assert read["channel"] == int(row["channel"]) and read["layer"] == layer.name
            for name in layer.numbers:
                assert np.isclose(read[name], float(row[name] or "nan"), equal_nan=True)
    assert frame.loc["tiny@0123456789ab/fc:0", "class"] == "=1+1"


def test_a_unit_shows_itself_and_names_stay_text(atlas: Atlas) -> None:
    shown = atlas["fc:1"]._repr_html_()
    tags = [tag for tag, _ in Scan(shown).found]
    assert tags.count("img") == 1 + min(6, len(atlas["fc:1"].examples)) and "b" not in tags
    assert "fc:1 (&lt;b&gt;dog&lt;/b&gt;)" in shown and "script" not in shown


def test_it_is_cited_as_on_its_page(atlas: Atlas) -> None:
    unit = atlas["conv1:2"]
    assert unit.citation.bibtex in unit.page.read_text()
    assert atlas.citation.bibtex in (atlas.folder / "about.html").read_text()


def test_hostile_names_are_names(tmp_path: Path) -> None:
    render(ABOUT, hostile(tmp_path / "work"), PANELS, tmp_path / "site")
    atlas = lamella.open(tmp_path / "site")
    assert list(atlas.layers) == list(HOSTILE)
    for unit in atlas:
        assert unit.page.is_file() and unit.examples is not None and unit._repr_html_()


def test_what_is_no_atlas_is_told(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(SiteError, match=r"holds no atlas\.json"):
        lamella.open(tmp_path)
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    plain = json.loads((copy / "atlas.json").read_text())

    def changed(**keys: object) -> Atlas:
        (copy / "atlas.json").write_text(json.dumps(plain | keys))
        return lamella.open(copy)

    with pytest.raises(SiteError, match="format"):
        changed(format=2)
    with pytest.raises(SiteError, match="layers"):
        changed(layers=None)
    assert changed(added="later").layers
    away = [dict(layer, units="../../secret.csv") for layer in plain["layers"]]
    with pytest.raises(SiteError, match="outside of the site"):
        changed(layers=away).frame()
    changed()
    table = copy / links.units_table("tiny", "conv1")
    table.write_text(table.read_text() + "3,x\n")
    with pytest.raises(SiteError, match="not a row for each unit"):
        lamella.open(copy).frame()


def test_it_needs_no_torch_and_pandas_only_for_frames(folder: Path) -> None:
    code = (
        "import sys, lamella; sys.modules['pandas'] = None\n"
        "from lamella.errors import LamellaError\n"
        "atlas = lamella.open(sys.argv[1])\n"
        "print(atlas['conv1:1'].numbers, atlas['conv1:1'].picture.size)\n"
        "try:\n    atlas.frame()\nexcept LamellaError as error:\n    print(error)"
    )
    done = without_torch(code, str(folder))
    assert done.returncode == 0, done.stderr
    assert "(32, 32)" in done.stdout and 'pip install "lamella[pandas]"' in done.stdout


def test_what_is_documented_runs_on_the_first_atlas(first_atlas: Any) -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENTED.read_text(encoding="utf-8"), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        cwd=first_atlas.folder.parent,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    assert (first_atlas.folder.parent / "2-7.png").is_file()
