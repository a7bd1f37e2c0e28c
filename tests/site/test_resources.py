"""Where templates and assets come from, and what makes pages old."""

import json
import re
import shutil
from pathlib import Path

import pytest

from lamella.site import resources


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the templates, taken for theirs."""
    copy = Path(shutil.copytree(resources.folder("templates"), tmp_path / "templates"))
    monkeypatch.setattr(resources, "folder", lambda name: copy)
    return copy


@pytest.mark.parametrize("folder", [".", "figures", "layouts", "pages"])
def test_a_template_of_any_folder_makes_pages_old(templates: Path, folder: str) -> None:
    before = resources.code_digest(())
    assert resources.code_digest(()) == before
    path = next((templates / folder).glob("*.j2"))
    path.write_text(path.read_text() + "{# changed #}")
    changed = resources.code_digest(())
    assert changed != before
    path.rename(path.with_name("renamed.html.j2"))
    assert resources.code_digest(()) not in {before, changed}


def test_the_style_sheet_is_all_of_its_parts_in_order() -> None:
    styles = resources.assets()["site.css"].decode()
    parts = sorted((resources.folder("assets") / "css").rglob("*.css"))
    places = [styles.index(path.read_text()) for path in parts]
    assert places == sorted(places)
    assert sum(len(path.read_text()) for path in parts) + len(parts) - 1 == len(styles)


def test_every_bundled_library_has_its_licence_on_the_site() -> None:
    top = Path(__file__).parents[2] / "assets"
    lock = json.loads((top / "package-lock.json").read_text())["packages"]
    bundled = {
        f"{name.rpartition('node_modules/')[2]} {package['version']}"
        for name, package in lock.items()
        if name and not (package.get("dev") or package.get("optional"))
    }
    listed = (top / "public" / "licences.txt").read_text().splitlines()
    assert bundled and bundled <= set(listed), bundled - set(listed)


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour, by WCAG."""
    digits = colour * 2 if len(colour) == 3 else colour
    pairs = [int("".join(pair), 16) / 255 for pair in zip(digits[::2], digits[1::2], strict=True)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in pairs)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("ink", "least"), [("under", 3.0), ("quiet", 4.5), ("ink", 4.5), ("accent", 4.5)]
)
def test_links_and_text_stand_out_from_the_paper(ink: str, least: float) -> None:
    """Of text 4.5 to 1, of the line below a link 3 to 1, light and dark."""
    style = resources.assets()["site.css"].decode()
    papers, inks = (re.findall(rf"--{name}: #(\w+);", style) for name in ("paper", ink))
    for paper, colour in zip(papers[:2], inks[:2], strict=True):
        low, high = sorted(map(luminance, (paper, colour)))
        assert (high + 0.05) / (low + 0.05) >= least
