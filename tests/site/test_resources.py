"""Where templates and assets come from, and what makes pages old."""

import json
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
