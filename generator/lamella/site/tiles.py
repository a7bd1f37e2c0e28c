"""Tiles and pictures, drawn by the thousand: Jinja2 draws each shape once, the rest is filling in.

Flow: figures -> **tiles** -> templating. A page holds some sixty pictures, and a macro call for
each took most of the time of rendering. So the macros `tile` and `picture` of `templates/figures/`
are called once per shape (a cell or a whole picture, with a link or without, ...) with marks in
place of values; where the marks stood, escaped values go.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from markupsafe import Markup, escape

from lamella.figures import Gallery, Picture, Reading, Tile

# What the macros may ask of `v`: the sizes of the picture or sheet, of a cell, and of an outline.
# A tile may have a second picture, whose names begin with "beside_"; each of them may have one
# over it, whose names go on with "over_" and which has no alt text.
SIZES = ("width", "height")
CELL = (*SIZES, "columns", "column", "row", "cell_width", "cell_height", "crop_left", "crop_top")
OUTLINED = (*SIZES, "left", "top", "across", "down")
MOST = 16  # columns or rows of a sheet for which the style sheet has a class

# The numbers behind a picture, and what they are.
READING = tuple(f"reading_{name}" for name in ("rows", "columns", "data", "low", "high", "words"))

_MARK = re.compile("\ue000(\\d+)\ue001")


class Shape(NamedTuple):
    """How a picture is drawn, whatever its values.

    Attributes:
        kind: "whole", "cell", or "crop" for a cell that no class of the style sheet can place.
        outlined: whether a part of it is framed.
        sharp: whether its pixels are shown sharp.
        over: the kind of what lies over it, "" for nothing.
        readable: whether there are numbers behind it.
    """

    kind: str
    outlined: bool
    sharp: bool
    over: str
    readable: bool


class MarkupWithGaps:
    """Constant markup with numbered gaps for values."""

    def __init__(self, drawn: str) -> None:
        pieces = _MARK.split(drawn)
        self._text = "%s".join(piece.replace("%", "%%") for piece in pieces[0::2])
        # Two gaps at least, so that it picks a tuple; every shape has a source and an alt text.
        self._pick = itemgetter(*map(int, pieces[1::2]))

    def fill(self, values: Sequence[object]) -> str:
        """The text with values, already escaped, in its gaps."""
        return str(self._text % self._pick(values))


def marks(names: Sequence[str]) -> dict[str, str]:
    """For each name a mark that no text has."""
    return {name: f"\ue000{at}\ue001" for at, name in enumerate(names)}


def names(shape: Shape, prefix: str = "") -> list[str]:
    """What `v` holds of a picture of this shape, in the order of its values."""
    sizes = CELL if shape.kind != "whole" else OUTLINED if shape.outlined else SIZES
    over: tuple[str, ...] = ()
    if shape.over:
        over = ("src", *(SIZES if shape.over == "whole" else CELL))
    named = ("src", "alt", *sizes, *("over_" + name for name in over))
    if shape.readable:
        named += READING
    return [prefix + name for name in named]


def escaped(values: Iterable[str]) -> list[str]:
    """All values escaped, in one go."""
    plain = [value.replace("\0", "") if "\0" in value else value for value in values]
    return str(escape("\0".join(plain))).split("\0")


class TileFilters:
    """The filters `tiles` and `picture`.

    Args:
        draw: calls the macro of `templates/figures/` that has this name.
        source: the address of a picture, seen from a page; of characters that need no escaping.
        address: likewise a path if it is one of the site, else "".
    """

    def __init__(
        self,
        draw: Callable[..., str],
        source: Callable[[str, str], str],
        address: Callable[[str], str],
    ) -> None:
        self._source, self._address = source, address

        @lru_cache(maxsize=1024)
        def picture(shape: Shape, lazy: bool) -> MarkupWithGaps:
            return MarkupWithGaps(draw("picture", shape, lazy, marks(names(shape))))

        @lru_cache(maxsize=1024)
        def tile(
            shape: Shape, beside: Shape | None, lazy: bool, link: bool, words: int
        ) -> MarkupWithGaps:
            given = ["link", "caption", "detail", *names(shape)]
            given += names(beside, "beside_") if beside else []
            return MarkupWithGaps(draw("tile", shape, beside, lazy, link, words, marks(given)))

        self._picture_of, self._tile_of = picture, tile

    def picture(self, shown: Picture, root: str, lazy: bool = True) -> Markup:
        """One picture."""
        values = self._values(shown, escape(shown.alt), root)
        return Markup(self._picture_of(shape(shown), lazy).fill(values))

    def _values(self, shown: Picture, alt: str, root: str) -> tuple[object, ...]:
        """What `names` lists, of a picture whose alt text is already escaped."""
        values = self._source(shown.src, root), alt, *_sizes(shown)
        if shown.over is not None:
            values += self._source(shown.over.src, root), *_sizes(shown.over)
        return values if shown.reading is None else (*values, *_numbers(shown.reading))

    def tiles(self, gallery: Gallery, root: str, lazy: bool = True) -> Markup:
        """The tiles of a gallery."""
        words = iter(escaped(_words(gallery.tiles)))
        filled = []
        for tile in gallery.tiles:
            shown, beside = tile.picture, tile.beside
            link = self._address(tile.link) if tile.link else ""
            lines = 2 if tile.detail else 1 if tile.caption else 0
            alt, caption, detail = next(words), next(words), next(words)
            if gallery.size in {"small", "stages"} and not (beside and beside.outline):
                caption = _breakable(caption)
            values = root + link, caption, detail, *self._values(shown, alt, root)
            if beside is not None:
                values += self._values(beside, next(words), root)
            second = shape(beside) if beside is not None else None
            markup = self._tile_of(shape(shown), second, lazy, bool(link), lines)
            filled.append(markup.fill(values))
        return Markup("".join(filled))


def _breakable(name: str) -> str:
    """A unit's name, already escaped, that breaks between its parts where there is little room."""
    return name.replace(".", ".<wbr>").replace(":", "<wbr>:")


def _words(tiles: Iterable[Tile]) -> Iterator[str]:
    """The text of tiles: alt text, caption, detail, and the alt text of the picture beside."""
    for tile in tiles:
        yield tile.picture.alt
        yield tile.caption
        yield tile.detail
        if tile.beside is not None:
            yield tile.beside.alt


def _sizes(shown: Picture) -> tuple[int, ...]:
    """The numbers of a picture, in the order of `SIZES`, `CELL` or `OUTLINED`."""
    if shown.cell is not None:
        return _placed(shown.width, shown.height, shown.cell, shown.columns, shown.rows)
    box = shown.outline
    if box is None:
        return shown.width, shown.height
    return shown.width, shown.height, box.left, box.top, box.width, box.height


@lru_cache(maxsize=4096)
def _placed(width: int, height: int, cell: int, columns: int, rows: int) -> tuple[int, ...]:
    """A cell's sheet, its place on it, and its crop."""
    row, column = divmod(cell, columns)
    sheet = (width * columns, height * rows, columns, column, row)
    return (*sheet, width, height, column * width, row * height)


def _numbers(reading: Reading) -> tuple[object, ...]:
    """What is behind a picture, in the order of `READING`."""
    low, high = f"{reading.low:.6g}", f"{reading.high:.6g}"
    words, data = escaped([reading.words, reading.data])
    return reading.rows, reading.columns, data, low, high, words


_shape = lru_cache(maxsize=1024)(Shape)  # there are few, and making one takes longer


def shape(shown: Picture) -> Shape:
    """How a picture is drawn."""
    kind = _kind(shown)
    outlined = kind == "whole" and shown.outline is not None
    return _shape(kind, outlined, shown.pixelated, _over(shown, kind), shown.reading is not None)


def _kind(shown: Picture) -> str:
    if shown.cell is None:
        return "whole"
    placeable = shown.width == shown.height and max(shown.columns, shown.rows) <= MOST
    return "cell" if placeable else "crop"


def _over(shown: Picture, kind: str) -> str:
    """The kind of what lies over a picture. Only on a square can a class stretch a cell."""
    if shown.over is None:
        return ""
    over = _kind(shown.over)
    square = kind != "crop" and shown.width == shown.height
    return "crop" if over == "cell" and not square else over
