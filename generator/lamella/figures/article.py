"""A page of its own that a panel writes on the whole network, without a word of HTML.

Flow: store -> analyses' `articles` -> **article** -> network_sections. It becomes
`<network>/<slug>.html`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lamella.figures import Cell, Figure, Gallery, Picture, Zoom

# Under what the network's page leads to articles, the most telling first.
OVERVIEWS, IMAGES, MEASURES, METHODS = (
    "Overviews", "Classes and images", "Measurements", "Methods",
)  # fmt: skip
GROUPS = (OVERVIEWS, IMAGES, MEASURES, METHODS)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an article: its heading, paragraphs of plain text, and figures below them."""

    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """A page on the whole network.

    Attributes:
        slug: its address, which is a promise: small letters, digits and dashes.
        title: its heading, and what links to it are called.
        lead: one or two sentences on what the reader will find.
        parts: in order; an article without any is left out.
        listed: whether the network's page leads to it; otherwise another article does.
        above: the article that leads to it, for the way back at its top.
        before, after: its neighbours, to which the arrow keys lead.
        group: one of `GROUPS`, where the network's page leads to it.
        line: the same in one short line; the lead where there is none.
        cover: the picture that stands for it there; without one its first, and rather a whole one
            than a cell of a sheet.
    """

    slug: str
    title: str
    lead: str
    parts: tuple[Part, ...]
    listed: bool = True
    above: Cell | None = None
    before: Cell | None = None
    after: Cell | None = None
    group: str = METHODS
    line: str = ""
    cover: Picture | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What leads to a page: its address, title, a line, and the picture that stands for it."""

    link: str
    title: str
    line: str
    group: str
    picture: Picture | None = None


def cover(article: Article) -> Picture | None:
    """The picture that stands for an article on a card; None where it has none that is a file."""
    shown = (article.cover,) if article.cover else _pictures(article)
    files = [picture for picture in shown if not picture.src.startswith("data:")]
    if not files:
        return None
    found = next((picture for picture in files if picture.cell is None), files[0])
    over = found.over if found.over and not found.over.src.startswith("data:") else None
    return replace(found, alt="", outline=None, reading=None, over=over)


def _pictures(article: Article) -> Iterator[Picture]:
    for part in article.parts:
        for figure in part.figures:
            if isinstance(figure, Zoom):
                yield figure.still
            elif isinstance(figure, Gallery):
                for tile in figure.tiles:
                    yield from (tile.picture, tile.beside) if tile.beside else (tile.picture,)
