"""One zip of a site: whole, the same every time, and nothing that is not of it."""

import hashlib
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from helpers.fake_atlas import ABOUT, PANELS, Fake
from helpers.pages import written
from lamella.errors import LamellaError
from lamella.exports.pack import packed
from lamella.site.pages import render
from lamella.store.record import HOME, MANIFEST, groups_of, record_of


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("atlas")
    fake = Fake(layers=(("conv1", 2), ("fc", 2)), side=32, photographs=4)
    render(ABOUT, fake.write(top / "work"), PANELS, top / "site")
    return top / "site"


@pytest.fixture
def copy(site: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(site, tmp_path / "copy"))


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_zip_holds_the_site_and_checksums_of_all_of_it(site: Path, tmp_path: Path) -> None:
    number = packed(site, tmp_path / "mine.zip")
    found = contents(tmp_path / "mine.zip")
    sums = found.pop("mine/SHA256SUMS").decode()
    assert found == {f"mine/{name}": content for name, content in written(site).items()}
    assert {"mine/CITATION.cff", "mine/LICENCE.txt", "mine/index.html"} <= found.keys()
    listed = dict(reversed(line.split("  ")) for line in sums.splitlines())
    assert listed == {
        name.removeprefix("mine/"): hashlib.sha256(content).hexdigest()
        for name, content in found.items()
    }
    assert number == len(found)
    assert list(found) == sorted(found)


def test_the_same_site_gives_the_same_bytes(site: Path, copy: Path, tmp_path: Path) -> None:
    for path in copy.rglob("*"):
        os.utime(path, (1e9, 1e9))
        path.chmod(0o700)
    for at, folder in enumerate((site, copy)):
        (tmp_path / str(at)).mkdir()
        packed(folder, tmp_path / str(at) / "a.zip")
    assert (tmp_path / "0/a.zip").read_bytes() == (tmp_path / "1/a.zip").read_bytes()


def test_what_lamella_did_not_write_stays_out(copy: Path, tmp_path: Path) -> None:
    (copy / "secret.txt").write_text("mine")
    packed(copy, tmp_path / "a.zip")
    assert not any("secret" in name or ".lamella" in name for name in contents(tmp_path / "a.zip"))


def stopped(site: Path) -> None:
    groups, _ = groups_of(site)
    (site / MANIFEST).write_bytes(record_of(groups, complete=False))


SPOILT = {
    "stopped": (stopped, "is not complete"),
    "gone": (lambda site: (site / "tiny/fc/1.html").unlink(), r"tiny/fc/1\.html is missing"),
    "longer": (lambda site: (site / "404.html").write_text("x"), r"404\.html is not what was"),
    "damaged": (lambda site: (site / MANIFEST).write_text("{"), "is damaged"),
    "another": (lambda site: shutil.rmtree(site / HOME), "is no rendered atlas"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_site_that_is_not_whole_is_refused_by_name(copy: Path, tmp_path: Path, what: str) -> None:
    spoil, said = SPOILT[what]
    spoil(copy)
    with pytest.raises(LamellaError, match=said) as caught:
        packed(copy, tmp_path / "a.zip")
    assert re.escape(str(copy)) in re.escape(caught.value.problem) and caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_a_folder_that_is_not_there_is_told(site: Path, tmp_path: Path) -> None:
    with pytest.raises(LamellaError, match="Cannot write"):
        packed(site, tmp_path / "no" / "a.zip")
