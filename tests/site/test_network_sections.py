"""What panels show of a whole network: sections of its page, articles, pictures; and when."""

import re
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from helpers.fake_atlas import ABOUT, PANELS, Fake, FakeDepth
from helpers.pages import HOSTILE, Scan, fresh, written
from lamella.analyses.panel import Panel
from lamella.errors import SiteError
from lamella.figures import Cell, Figure, Gallery, Lines, Picture, Series, Table, Tile, links
from lamella.figures.article import Article, Part
from lamella.figures.published import network_picture
from lamella.site.network_sections import reads
from lamella.site.pages import render
from lamella.site.templating import environment
from lamella.store.facts import Atlas
from lamella.store.store import Shard, Sheet

SMALL = Fake(layers=(("conv1", 3), ("depth", 4), ("fc", 2)), side=32, photographs=6)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return SMALL.write(tmp_path_factory.mktemp("work"))


class Teller(Panel):
    """A panel that says what it is told to, and counts how often it is asked."""

    name: ClassVar[str] = "teller"
    title: ClassVar[str] = "Teller"
    shows_photographs: ClassVar[bool] = False
    per: ClassVar[str] = "view"

    def __init__(self, *told: Article, needs: tuple[str, ...] = ("survey",)) -> None:
        self.told, self.asked = told, [0, 0]
        self.needs = needs  # type: ignore[misc]

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        self.asked[0] += 1
        return (Table("", (("asked", "often"),)),)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        self.asked[1] += 1
        return self.told


def told(slug: str, parts: int = 1, words: str = "words") -> Article:
    return Article(slug, words, words, tuple(Part(words, (words,)) for _ in range(parts)))


# Articles.


def test_an_article_is_a_page_and_the_network_leads_to_it(work: Atlas, tmp_path: Path) -> None:
    render(replace(ABOUT, site_url="https://a.example"), fresh(work), PANELS, tmp_path)
    page = (tmp_path / "tiny/depth.html").read_text()
    assert "<h1><bdi>Depth of conv1</bdi></h1>" in page
    assert '<nav class="trail"' in page and '<a href="index.html"><bdi>tiny</bdi></a>' in page
    assert '<a href="#part-4"><bdi>conv1</bdi></a>' in page and '<section id="part-4"' in page
    assert '<a href="../tiny/fc/index.html"><bdi>fc</bdi></a>' in page
    assert "key <code>101010101010</code>: <bdi>textures 2</bdi>" in page
    network = (tmp_path / "tiny/index.html").read_text()
    assert ">Overviews</h2>" in network and ">Methods</h2>" in network
    assert '<a href="../tiny/depth.html">' in network and "<bdi>Depth of conv1</bdi>" in network
    assert '<section id="depth" class="panel"' in network and "<dt>Source</dt>" in network
    assert "https://a.example/tiny/depth.html" in (tmp_path / "sitemap.xml").read_text()
    assert not list(tmp_path.glob("tiny/empty*"))


def test_without_articles_there_is_no_list_of_them(work: Atlas, tmp_path: Path) -> None:
    render(ABOUT, fresh(work), (Teller(told("bare", parts=0)), *PANELS[:-1]), tmp_path)
    assert ">Methods<" not in (tmp_path / "tiny/index.html").read_text()
    assert sorted(path.name for path in tmp_path.glob("tiny/*.html")) == [
        "index.html",
        "map.html",
        "methods.html",
    ]


@pytest.mark.parametrize(("parts", "contents"), [(3, False), (4, True)])
def test_only_long_articles_have_contents(
    work: Atlas, tmp_path: Path, parts: int, contents: bool
) -> None:
    render(ABOUT, fresh(work), (Teller(told("long", parts)),), tmp_path)
    assert ('class="contents"' in (tmp_path / "tiny/long.html").read_text()) == contents


def test_what_was_an_article_is_deleted(work: Atlas, tmp_path: Path) -> None:
    render(ABOUT, fresh(work), (Teller(told("one"), told("two")),), tmp_path)
    render(replace(ABOUT, title="Other"), fresh(work), (Teller(told("two")),), tmp_path)
    assert not (tmp_path / "tiny/one.html").exists() and (tmp_path / "tiny/two.html").exists()
    render(ABOUT, fresh(work), (), tmp_path)
    assert not (tmp_path / "tiny/two.html").exists()


def test_two_articles_cannot_have_one_address(work: Atlas, tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"Two articles have the address tiny/depth\.html"):
        render(ABOUT, fresh(work), (*PANELS, Teller(told("depth"))), tmp_path)


def test_hostile_articles_are_only_ever_text(work: Atlas, tmp_path: Path) -> None:
    slugs = (*HOSTILE, "index", "map", "index.html", "search.js", "", "A/b")
    articles = []
    for slug, words in zip(slugs, HOSTILE * 2, strict=False):
        picture = Picture("javascript:alert(1)", words, 8, 8)
        figures = (
            Lines(words, (), (Series(words, (1,)),) * 2, words, words, words, names=(words,)),
            Table(words, ((Cell(words, words), Cell(words, "//host/x")),), (words, words)),
            Gallery(words, (Tile(picture, words, words, words),), words),
        )
        parts = (Part(words, (words,), figures), *(Part(words),) * 3)
        articles.append(Article(slug, words, words, parts))
    render(ABOUT, fresh(work), (Teller(*articles),), tmp_path)
    found = {path.name for path in (tmp_path / "tiny").glob("*.html")}
    assert len(found) == len(slugs) + 3 and {"index.html", "map.html", "methods.html"} < found
    assert not (tmp_path / "etc").exists()
    assert "<h1><bdi>tiny</bdi></h1>" in (tmp_path / "tiny/index.html").read_text()
    for name in found - {"map.html", "methods.html"}:
        text = (tmp_path / "tiny" / name).read_text()
        assert "alert(1)</script>" not in text and not set(text) & set("\u202e\x00\x1b")
        for tag, attributes in Scan(text).found:
            assert not any(key.startswith("on") or key == "style" for key in attributes)
            assert tag != "img" or attributes["src"] == "" or "webp" in (attributes["src"] or "")
            assert tag != "script" or (attributes["src"] or "").startswith("../assets/")
            if tag == "a":
                assert re.match(r"#|(\.\./)?[a-z0-9][^:]*\Z", attributes["href"] or "")


# When they are drawn again.


def test_unchanged_panels_are_not_asked_again(work: Atlas, tmp_path: Path) -> None:
    teller = Teller(told("one"))
    render(ABOUT, fresh(work), (*PANELS, teller), tmp_path)
    again = render(ABOUT, fresh(work), (*PANELS, teller), tmp_path)
    assert teller.asked == [1, 1] and again.written == again.deleted == 0


@pytest.mark.parametrize(
    ("needs", "asked"),
    [(("survey",), 1), (("feature_visualization",), 2), (("visualization_quality", "survey"), 2)],
)
def test_a_finished_layer_renews_only_what_reads_it(
    tmp_path: Path, needs: tuple[str, ...], asked: int
) -> None:
    fake = replace(SMALL, done=("conv1",))
    atlas = fake.write(tmp_path / "work")
    teller = Teller(told("one"), needs=needs)
    panels = (*PANELS, teller)
    out = tmp_path / "site"
    render(ABOUT, atlas, panels, out)
    before = written(out)
    fake.visualize(atlas, atlas.network.layers[2])
    render(ABOUT, fresh(atlas), panels, out)
    assert teller.asked == [asked, asked]
    after = written(out)
    changed = {name for name in after if after[name] != before.get(name)}
    assert "tiny/index.html" in changed and "tiny/one.html" not in changed
    assert after["tiny/index.html"].count(b"<td>often</td>") == 1


def test_what_a_panel_reads() -> None:
    needs = {"a": ("b", "survey"), "b": ("c",), "c": ("a",)}
    assert reads("a", needs) == {"a", "b", "c", "survey"} and reads("x", needs) == {"x"}


# Pictures of the whole network.


def test_pictures_have_the_sizes_that_they_have(work: Atlas, tmp_path: Path) -> None:
    atlas = fresh(work)
    found = [network_picture(atlas, "depth", "texture", at, "alt") for at in (0, 1, 2)]
    # A layer is called like the panel, so the panel's folder is not.
    folder = "tiny/x-depth-" + links.panel_folder("depth", {"depth"})[-6:]
    assert found == [
        Picture(f"{folder}/0-texture.webp", "alt", 32, 16),
        Picture(f"{folder}/1-texture.webp", "alt", 32, 32),
        None,
    ]
    assert network_picture(atlas, "nobody", "texture", 0, "") is None
    render(ABOUT, atlas, PANELS, tmp_path)
    assert sorted(path.name for path in (tmp_path / folder).glob("*-texture.webp")) == [
        "0-texture.webp",
        "1-texture.webp",
    ]


def test_a_sheet_says_the_size_and_what_is_no_picture_has_none(tmp_path: Path) -> None:
    atlas = SMALL.write(tmp_path)
    atlas.store.folder("depth", atlas.keys["depth"]).write(
        Shard(
            (5, 7),
            numbers={"n": np.zeros(2)},
            pictures={"cells": [b"", b"x"], "texture": [b"none", b"RIFF"]},
            sheets={"cells": Sheet(20, 10, 3, 2)},
        )
    )
    shown = {
        (name, at): network_picture(atlas, "depth", name, at, "")
        for name in ("cells", "texture")
        for at in (5, 7)
    }
    assert [key for key, picture in shown.items() if picture] == [("cells", 7)]
    picture = shown["cells", 7]
    assert picture and (picture.width, picture.height) == (20, 10)
    whole = network_picture(atlas, "photographs", "photograph", 3, "")
    assert whole == Picture("tiny/images/3.webp", "", 32, 32)


class Showing(FakeDepth):
    shows_photographs: ClassVar[bool] = True


@pytest.mark.parametrize("publish", ["whole", "patches", "none"])
def test_pictures_cut_from_photographs_stay_private(
    work: Atlas, tmp_path: Path, publish: str
) -> None:
    atlas = Atlas(work.network, work.manifest, work.store, work.keys, publish)
    render(replace(ABOUT, publish=publish), atlas, (*PANELS[:-1], Showing()), tmp_path)
    published = any("-texture.webp" in name for name in written(tmp_path))
    page = (tmp_path / "tiny/depth.html").read_text()
    assert published == ("-texture.webp" in page) == (publish == "whole")


# Tables with links.


def test_cells_of_a_table_may_be_links() -> None:
    rows = ((Cell("a<b", "n/l/index.html"), "1"), ("plain", Cell("x", "javascript:x")), ("y",))
    macros = environment().get_template("figures/table.html.j2").module
    drawn = str(macros.table(Table("", rows), "../"))  # type: ignore[attr-defined]
    assert (
        '<th scope="row"><a href="../n/l/index.html"><bdi>a&lt;b</bdi></a></th><td>1</td>' in drawn
    )
    assert '<th scope="row">plain</th><td><bdi>x</bdi></td>' in drawn
