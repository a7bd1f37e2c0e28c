"""cite, figure and pack, as they are typed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from helpers.tiny import Tiny, mistake
from lamella.cli import main


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def works(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_cite_says_the_same_of_a_config_and_of_its_site(figured: Tiny) -> None:
    found = works("cite", figured.file, "2:3")
    page = (figured.folder / "public/tiny/2/3.html").read_text()
    bibtex = re.findall(r"@misc\{.*?\n\}", found, re.DOTALL)[0]
    assert bibtex in page
    assert r"\includegraphics[width=\linewidth]{2-3.pdf}" in found
    assert f"lamella figure {figured.file} 2:3 --out 2-3.pdf" in found
    key = bibtex.split("{")[1].split(",")[0]
    assert rf"\cite{{{key}}}" in found
    of_site = works("cite", figured.folder / "public", "2:3")
    assert of_site == found.replace(str(figured.file), "atlas.toml")
    assert "@misc" in works("cite", figured.file) and "includegraphics" not in works(
        "cite", figured.file
    )


def test_a_wrong_unit_gets_the_near_one(figured: Tiny) -> None:
    for command in ("cite", "figure"):
        assert "has channels 0 to 5" in mistake(run(command, figured.file, "2:99"))
        assert "names no unit" in mistake(run(command, figured.file, "nothing"))
        assert "there is no layer '9'" in mistake(run(command, figured.file, "9:1"))


def test_cite_asks_for_the_pages(tiny: Tiny) -> None:
    assert "lamella render" in mistake(run("cite", tiny.file, "2:3"))


def test_a_figure_is_what_its_ending_says(figured: Tiny, tmp_path: Path) -> None:
    for kind, begin in (("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")):
        out = tmp_path / f"f.{kind}"
        assert str(out) in works("figure", figured.file, "0:1", "2:3", "6:0", "--out", out)
        assert out.read_bytes().startswith(begin)
    assert "is .pdf, .svg or .png" in mistake(
        run("figure", figured.file, "0:1", "--out", tmp_path / "f.gif")
    )


def test_a_figure_of_private_images_has_none_of_their_pixels(figured: Tiny, tmp_path: Path) -> None:
    """A figure that asks for one example is that which asks for six: neither has any."""
    copy = Tiny(Path(shutil.copytree(figured.folder, tmp_path / "copy")), dict(figured.tree))
    copy.change(images={"folder": "images", "publish": "none"})
    drawn = []
    for number in (1, 6):
        out = tmp_path / f"{number}.png"
        works("figure", copy.file, "2:3", "--out", out, "--examples", number)
        drawn.append(out.read_bytes())
    assert drawn[0] == drawn[1]


def test_pack_takes_a_config_or_a_site(figured: Tiny, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    works("pack", figured.file, "--out", tmp_path / "a.zip")
    works("pack", figured.folder / "public", "--out", tmp_path / "a" / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "a" / "a.zip").read_bytes()
    if shutil.which("unzip") and shutil.which("sha256sum"):
        subprocess.run(["unzip", "-q", "a.zip"], cwd=tmp_path, check=True)
        subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path / "a", check=True)


@pytest.mark.parametrize("command", ["cite", "pack"])
def test_a_path_that_is_not_there_is_told(command: str, tmp_path: Path) -> None:
    result = run(command, tmp_path / "no")
    assert result.exit_code == 2 and "does not exist" in result.stderr
