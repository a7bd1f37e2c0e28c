"""The home page, the page of the network, and what a static host shows for a wrong address."""

import base64
import hashlib
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from helpers.fake_atlas import ABOUT, PANELS, Fake
from helpers.pages import Scan, fresh
from lamella.analyses.panel import Panel
from lamella.figures import Gallery, Picture, Tile
from lamella.figures.article import IMAGES, OVERVIEWS, Article, Part
from lamella.site.home import FIRST
from lamella.site.pages import render
from lamella.site.sprites import STRIP
from lamella.store.facts import Atlas

FAKE = Fake(layers=(("conv1", 3), ("features.10", 70), ("fc", 2)), side=32, photographs=6)
FIRE = ("squeeze", "expand1x1", "expand3x3")
SQUEEZE = (
    ("features.0", 8),
    *((f"features.{at}.{part}", 12) for at in range(3, 11) for part in FIRE),
    ("classifier.1", 12),
)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return FAKE.write(tmp_path_factory.mktemp("work"))


class Told(Panel):
    """Pages with a picture each, in the groups asked for."""

    name: ClassVar[str] = "told"
    title: ClassVar[str] = "Told"
    per: ClassVar[str] = "view"

    def __init__(self, *groups: str) -> None:
        self.groups = groups

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        picture = Picture("tiny/images/0.webp", "an image", 32, 32)
        parts = (Part("", (), (Gallery("", (Tile(picture, ""),)),)),)
        return tuple(
            Article(f"page-{at}", f"Page {at}", "A lead.", parts, group=group, line=f"Line {at}.")
            for at, group in enumerate(self.groups)
        )


def drawn(work: Atlas, out: Path, *groups: str) -> tuple[str, str]:
    """The home page and that of the network."""
    render(ABOUT, fresh(work), (*PANELS, Told(*groups)), out)
    return (out / "index.html").read_text(), (out / "tiny/index.html").read_text()


def test_the_home_page_opens_with_the_first_overview_or_with_units(
    work: Atlas, tmp_path: Path
) -> None:
    home, _ = drawn(work, tmp_path / "a", IMAGES)
    assert 'class="band"' in home and 'class="opening"' not in home
    home, _ = drawn(work, tmp_path / "b", IMAGES, OVERVIEWS)
    opening = home[home.index('<p class="opening">') :]
    link = opening[opening.index('<a href="tiny/page-1.html">') : opening.index("</a>")]
    assert 'src="tiny/images/0.webp"' in link and "Page 1" in link and "Line 1." in opening
    assert 'class="band"' not in home


def test_the_home_page_has_at_most_so_many_cards(work: Atlas, tmp_path: Path) -> None:
    home, network = drawn(work, tmp_path, *[IMAGES] * 2 * FIRST)
    assert home.count('class="shown"') == FIRST
    assert network.count('class="shown"') == 2 * FIRST + 2  # the map and another


def test_cards_stand_in_their_groups_and_those_of_no_known_one_last(
    work: Atlas, tmp_path: Path
) -> None:
    _, network = drawn(work, tmp_path, "Whatever", IMAGES, OVERVIEWS)
    order = ["Overviews</h2>", "page-2", "map.html", "Classes and images</h2>", "page-1"]
    order += ["Methods</h2>", "page-0", "Layers</h2>"]
    cards = network[network.index("Overviews</h2>") :]
    places = [cards.index(what) for what in order]
    assert places == sorted(places) and "Measurements</h2>" not in network


def test_licences_of_images_are_kept_apart(work: Atlas, tmp_path: Path) -> None:
    home, network = drawn(work, tmp_path)
    assert "Dataset images keep the licences of their authors" in home
    for page, root in ((home, ""), (network, "../")):
        assert f'images keep their own: <a href="{root}about.html#credits">' in page
    assert '<h2 id="credits">' in (tmp_path / "about.html").read_text()


def test_every_layer_is_a_link_of_the_diagram_with_its_first_thumbnails(
    work: Atlas, tmp_path: Path
) -> None:
    _, network = drawn(work, tmp_path)
    diagram = network[network.index("<svg viewBox") : network.index('<p class="note keys">')]
    found = Scan(diagram).found
    links = [attributes["href"] for tag, attributes in found if tag == "a"]
    assert links == [f"{name}/index.html" for name, _ in FAKE.layers]
    pictures = [attributes["href"] for tag, attributes in found if tag == "image"]
    assert pictures == [f"{name}/strip.webp" for name, _ in FAKE.layers]
    assert "Architecture of tiny" in diagram and 'href="#joint-"' in diagram
    for name, channels in FAKE.layers:
        strip = Image.open(io.BytesIO((tmp_path / f"tiny/{name}/strip.webp").read_bytes()))
        assert strip.size == (64 * min(channels, STRIP), 64)


def test_a_layer_without_thumbnails_has_no_strip(tmp_path: Path) -> None:
    atlas = replace(FAKE, done=(), publish="none").write(tmp_path / "work")
    render(replace(ABOUT, publish="none"), atlas, PANELS, tmp_path / "site")
    network = (tmp_path / "site/tiny/index.html").read_text()
    assert "strip" not in network and not list(tmp_path.rglob("strip.webp"))
    assert network.count('/index.html"><title>') == len(FAKE.layers)


def test_the_page_of_a_network_stays_light(tmp_path: Path) -> None:
    """26 layers: the diagram and the list."""
    atlas = Fake(layers=SQUEEZE, side=32, photographs=6).write(tmp_path / "work")
    render(ABOUT, atlas, PANELS, tmp_path / "site")
    page = (tmp_path / "site/tiny/index.html").read_bytes()
    assert len(page) < 45_000


@pytest.mark.parametrize("url", ["", "https://a.example/b/"])
def test_a_wrong_address_gets_a_styled_page_at_any_depth(
    work: Atlas, tmp_path: Path, url: str
) -> None:
    render(replace(ABOUT, site_url=url), fresh(work), PANELS, tmp_path)
    page = (tmp_path / "404.html").read_text()
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page and "font:" in style
    addresses = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert addresses == ([f"{url}index.html"] if url else [])
