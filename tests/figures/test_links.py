"""Every address on every page leads to something, and every page keeps its promises."""

import json
import math
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from helpers.fake_atlas import ABOUT, PANELS, Fake
from lamella.figures import links
from lamella.network.units import Unit
from lamella.site.pages import render
from lamella.store.slug import slug

LABELS = {"aria-label", "aria-labelledby", "aria-hidden"}


class Page(HTMLParser):
    """The addresses, anchors and pictures of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.anchors: list[str] = []
        self.problems: list[str] = []
        self.policy = self.language = ""
        self.headings: list[int] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("href", "src", "data-index"):
            if (value := given.get(name)) is not None:
                self.addresses.append(value)
        if (value := given.get("data-zoom") or "").startswith("{"):
            zoom = json.loads(value)
            for width, height, first in zoom["levels"]:
                tiles = math.ceil(width / zoom["tile"]) * math.ceil(height / zoom["tile"])
                for entry in range(first, first + tiles):
                    self.addresses.append(f"{zoom['folder']}{entry}-{zoom['name']}.webp")
        if anchor := given.get("id"):
            self.anchors.append(anchor)
        if tag == "html":
            self.language = given.get("lang") or ""
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given.get("content") or ""
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(int(tag[1]))
        if tag == "img" and "alt" not in given:
            self.problems.append("img without alt")
        if tag == "svg" and not (LABELS & given.keys()):
            self.problems.append("svg without a label")
        if tag == "style" and "'sha256-" not in self.policy:
            self.problems.append("a style that its policy does not name")
        if "style" in given or any(name.startswith("on") for name in given):
            self.problems.append(f"inline style or handler in {tag}")
        if tag == "script" and not given.get("src"):
            self.problems.append("inline script")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("atlas")
    render(ABOUT, Fake(side=32, done=("conv1",)).write(top / "work"), PANELS, top / "site")
    return top / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path.resolve(): Page(path) for path in site.rglob("*.html")}


def test_every_address_leads_to_a_file_of_the_site(site: Path, pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        for address in page.addresses:
            if address.startswith("data:image/webp;base64,"):
                continue  # a picture of few bytes, in the page itself
            if address.startswith(("https://doi.org/10.", "https://arxiv.org/abs/")):
                continue  # a paper
            plain, fragment = urldefrag(address)
            assert "://" not in plain and not plain.startswith("/"), (path, address)
            target = (path.parent / unquote(plain)).resolve() if plain else path
            assert target.is_file() and site.resolve() in target.parents, (path, address)
            if not fragment or fragment in pages[target].anchors:
                continue
            if target.name == "map.html":  # followed by the map's script
                layer, _, channel = unquote(fragment).rpartition(":")
                unit = Unit(layer, int(channel))
                assert (site / links.unit_page("tiny", unit)).is_file()
            else:
                raise AssertionError(f"{path}: nothing is called {address}")


def test_every_file_is_asked_for(site: Path, pages: dict[Path, Page]) -> None:
    asked = {
        (path.parent / urldefrag(address)[0]).resolve()
        for path, page in pages.items()
        for address in page.addresses
        if not address.startswith("data:")
    }
    scripts = {"search.js", "zoom.js", "404.html", ".nojekyll"}  # what scripts ask for
    for path in site.rglob("*"):
        if path.is_file() and path.name not in scripts and ".lamella" not in path.parts:
            assert path.resolve() in asked, path


def test_pages_keep_their_promises(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert not page.problems, (path, page.problems)
        assert len(set(page.anchors)) == len(page.anchors), path
        assert page.language == "en" and page.headings[0] == 1 and page.headings.count(1) == 1
        assert page.policy.startswith("default-src 'none';") and "unsafe" not in page.policy


def test_names_that_file_systems_refuse_get_others() -> None:
    for name in ("con", "AUX", "a:b", "Mixed_4c", "_x", ".", "..", "images", "index.html", "é"):
        assert slug(name) != name
    assert len({slug(name) for name in ("Mixed", "mixed", "mixed.", "MIXED")}) == 4
    assert slug("layer3.0.conv1") == "layer3.0.conv1"
