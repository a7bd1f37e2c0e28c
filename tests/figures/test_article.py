"""The picture that stands for a page."""

from dataclasses import replace

from lamella.figures import Gallery, Level, Picture, Reading, Table, Tile, Zoom
from lamella.figures.article import Article, Part, cover
from lamella.network.units import Box

WHOLE = Picture("net/whole.webp", "whole", 8, 8, outline=Box(0, 0, 1, 1))
CELL = Picture("net/sheet.webp", "cell", 8, 8, 3, 4, 2)
INLINE = Picture("data:image/webp;base64,AAAA", "inline", 8, 8)


def article(*figures: Gallery | Table | Zoom, own: Picture | None = None) -> Article:
    parts = (Part("", ("text",)), *(Part("", (), (figure,)) for figure in figures))
    return Article("a", "A", "", parts, cover=own)


def gallery(*pictures: Picture, beside: Picture | None = None) -> Gallery:
    return Gallery("", tuple(Tile(picture, "", beside=beside) for picture in pictures))


def test_a_whole_picture_comes_before_a_cell_of_a_sheet() -> None:
    shown = replace(WHOLE, alt="", outline=None)
    assert cover(article(gallery(CELL, WHOLE))) == shown
    assert cover(article(gallery(CELL, beside=WHOLE))) == shown
    assert cover(article(Table("", ()), gallery(CELL))) == replace(CELL, alt="")


def test_a_picture_to_zoom_into_and_one_of_its_own_choice() -> None:
    zoom = Zoom("", "", WHOLE, (Level(8, 8, 0),), 8, "net/", "tiles")
    assert cover(article(zoom)) == replace(WHOLE, alt="", outline=None)
    assert cover(article(zoom, own=CELL)) == replace(CELL, alt="")


def test_what_lies_in_the_page_itself_is_no_cover() -> None:
    assert cover(article(gallery(INLINE))) is None and cover(article()) is None
    laid = replace(WHOLE, over=INLINE, reading=Reading(1, 1, "AA==", 0, 1))
    assert cover(article(gallery(laid))) == replace(WHOLE, alt="", outline=None)
    laid = replace(WHOLE, over=CELL)
    assert cover(article(gallery(laid))) == replace(laid, alt="", outline=None)
