"""A second picture over the first: drawn in every look, without a word of style."""

import re
from html.parser import HTMLParser
from itertools import product

import pytest

from lamella.figures import Gallery, Picture, Tile
from lamella.network.units import Box
from lamella.site.templating import environment
from lamella.site.tiles import MOST

BASES = {
    "whole": Picture("a/b.webp", "A photograph", 60, 60),
    "outlined": Picture("a/b.webp", "A photograph", 60, 60, outline=Box(1, 2, 30, 40)),
    "wide": Picture("a/b.webp", "A photograph", 90, 60),
    "cell": Picture("a/b.webp", "A photograph", 60, 60, cell=4, columns=3, rows=2),
    "crop": Picture("a/b.webp", "A photograph", 90, 60, cell=4, columns=3, rows=2),
}
OVERS = {
    "whole": Picture("a/o.webp", "unread", 64, 64),
    "cell": Picture("a/o.webp", "unread", 64, 64, cell=11, columns=8, rows=5),
    "crop": Picture("a/o.webp", "unread", 64, 32, cell=11, columns=8, rows=5),
    "many": Picture("a/o.webp", "unread", 64, 64, cell=11, columns=MOST + 1, rows=5),
}


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, drawn: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(drawn)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def over(base: Picture, laid: Picture) -> Picture:
    names = ("src", "alt", "width", "height", "cell", "columns", "rows", "outline", "pixelated")
    return Picture(*(getattr(base, name) for name in names), over=laid)


def drawn(picture: Picture, **more: object) -> str:
    return str(environment().filters["picture"](picture, "../", **more))


@pytest.mark.parametrize(("base", "laid"), list(product(BASES, OVERS)))
def test_it_is_drawn_once_over_every_look(base: str, laid: str) -> None:
    text = drawn(over(BASES[base], OVERS[laid]))
    tags = Tags(text).found
    sources = [a.get("src") or a.get("href") for tag, a in tags if tag in {"img", "image"}]
    assert sources == ["../a/b.webp", "../a/o.webp"]
    assert "style=" not in text and "unread" not in text and "\ue000" not in text
    assert text.count("A photograph") == 1
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert all("alt" in attributes for attributes in images)
    if base != "crop" and laid == "whole":
        assert images[1]["class"] == "over" and images[1]["alt"] == ""
    placed = "over cell c8 x3 y1" in text
    assert placed == (laid == "cell" and base in {"whole", "outlined", "cell"})
    if laid != "whole" and not placed:  # a part of the sheet, stretched
        assert 'preserveAspectRatio="none"' in text
        width, height = OVERS[laid].width, OVERS[laid].height
        row, column = divmod(11, OVERS[laid].columns)
        assert f'viewBox="{column * width} {row * height} {width} {height}"' in text
    if base == "outlined":  # the frame lies on top
        assert text.index("<rect") > text.index("a/o.webp")


@pytest.mark.parametrize("base", BASES)
def test_nothing_over_is_as_it_was(base: str) -> None:
    assert "over" not in drawn(BASES[base]) and "under" not in drawn(BASES[base])


def test_twins_both_open_with_what_lies_over_them() -> None:
    first, second = (over(BASES["whole"], OVERS[kind]) for kind in ("cell", "whole"))
    gallery = Gallery("", (Tile(first, "3.1 <b>", "cats & dogs", beside=second),), size="row")
    text = str(environment().filters["tiles"](gallery, "../"))
    links = [attributes for tag, attributes in Tags(text).found if tag == "a"]
    assert [link["data-whole"] for link in links] == ["A photograph"] * 2
    assert text.count("a/o.webp") == 2 and 'class="twin"' in text
    assert "3.1 &lt;b&gt;" in text and "cats &amp; dogs" in text
    for link in re.findall(r"<a .*?</a>", text, re.DOTALL):  # what the dialog copies
        assert re.search(r'class="pic".*a/o\.webp', link, re.DOTALL)


def test_a_hostile_source_over_a_picture_leads_nowhere() -> None:
    hostile = Picture('javascript:alert(1)"', "", 64, 64, cell=1, columns=2)
    text = drawn(over(BASES["whole"], hostile))
    assert "javascript" not in text
