"""All classes that are the first answer to some photograph, on one page.

Flow: store -> book -> **index** -> panels/class_pages.py. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator

from lamella.analyses.classes import text as words
from lamella.analyses.classes.facts import TITLE, Book
from lamella.analyses.classes.stored import STRONGEST
from lamella.figures import Cell, Gallery, Picture, Table, Tile
from lamella.figures.article import Article, Part
from lamella.figures.format import probability
from lamella.figures.links import CLASSES
from lamella.figures.published import thumbnail

HEAD = ("class", "photographs", "mean probability", "surest", "beside it, most often")


def index(book: Book) -> Article:
    """The page that leads to those of the classes."""
    known = book.answers
    what = "classes" if known.named else "outputs"
    lead = (
        f"{len(known.seen):,} of the network's {len(known.names):,} {what} are its first answer to "
        f"some of {known.images:,} photographs: what it looks at when it decides so."
    )
    left = len(known.seen) - len(book.outputs)
    more = (f"The {len(book.outputs):,} most frequent have a page; {left:,} have none.",)
    gallery = Gallery("", tuple(_tiles(book)), size="classes")
    return Article(
        CLASSES,
        TITLE,
        lead,
        (
            Part("Most frequent first", (words.INDEX, *(more if left else ())), (gallery,)),
            Part("By name", (), (_table(book),)),
        ),
    )


def _tiles(book: Book) -> Iterator[Tile]:
    for output in book.by_count:
        name = book.answers.short(output)
        unit = book.unit(output)
        photograph = book.picture(STRONGEST, output, f"A photograph, most probably of {name}")
        made = thumbnail(book.atlas, unit) if unit is not None else None
        shown: tuple[Picture | None, Picture | None] = (
            made or photograph,
            photograph if made else None,
        )
        if shown[0] is not None:
            count = str(int(book.answers.count[output]))
            yield Tile(shown[0], name, count, book.link(output), shown[1])


def _table(book: Book) -> Table:
    known = book.answers
    rows = []
    for output in book.by_name:
        beside = known.confused_with(output)[:1]
        mean, surest = known.own_probability[output], known.first_probability[output, 0]
        rows.append(
            (
                book.cell(output),
                f"{int(known.count[output]):,}",
                Cell(probability(float(mean)), bar=float(mean)),
                probability(float(surest)),
                book.cell(beside[0][0]) if beside else "",
            )
        )
    return Table("", tuple(rows), HEAD if known.named else ("output", *HEAD[1:]))
