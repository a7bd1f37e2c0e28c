"""The pages of classes, and one that leads to all that are the first answer to a photograph.

Flow: records -> class_page -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator

from lamella.analyses.classes import text
from lamella.analyses.classes.class_page import ClassPage
from lamella.analyses.classes.records import TITLE, ClassRecords
from lamella.analyses.classes.stored import STRONGEST
from lamella.figures import Cell, Gallery, Picture, Table, Tile
from lamella.figures.article import IMAGES, Article, Part
from lamella.figures.format import probability
from lamella.figures.links import CLASSES
from lamella.figures.published import thumbnail
from lamella.store.facts import Atlas

HEADER = ("class", "photographs", "mean probability", "surest", "beside it, most often")


def articles(atlas: Atlas) -> tuple[Article, ...]:
    """The index and the page of each class; () where there is nothing to show."""
    records = ClassRecords.of(atlas)
    if records is None:
        return ()
    return (_index(records), *(ClassPage(records, output).article() for output in records.outputs))


def _index(records: ClassRecords) -> Article:
    """The page that leads to those of the classes."""
    answers = records.answers
    what = "classes" if answers.named else "outputs"
    lead = (
        f"{len(answers.seen):,} of the network's {len(answers.names):,} {what} are its first "
        f"answer to some of {answers.images:,} photographs: what it looks at when it decides so."
    )
    left = len(answers.seen) - len(records.outputs)
    more = (f"The {len(records.outputs):,} most frequent have a page; {left:,} have none.",)
    gallery = Gallery("", tuple(_tiles(records)), size="classes")
    return Article(
        CLASSES,
        TITLE,
        lead,
        (
            Part("Most frequent first", (text.INDEX, *(more if left else ())), (gallery,)),
            Part("By name", (), (_table(records),)),
        ),
        group=IMAGES,
        line="What the network looks for and looks at, class by class.",
    )


def _tiles(records: ClassRecords) -> Iterator[Tile]:
    for output in records.by_count:
        name = records.answers.short(output)
        unit = records.unit(output)
        photograph = records.picture(STRONGEST, output, f"A photograph, most probably of {name}")
        made = thumbnail(records.atlas, unit) if unit is not None else None
        shown: tuple[Picture | None, Picture | None] = (
            made or photograph,
            photograph if made else None,
        )
        if shown[0] is not None:
            count = str(int(records.answers.count[output]))
            yield Tile(shown[0], name, count, records.link(output), shown[1])


def _table(records: ClassRecords) -> Table:
    answers = records.answers
    rows = []
    for output in records.by_name:
        beside = answers.confused_with(output)[:1]
        mean, surest = answers.own_probability[output], answers.first_probability[output, 0]
        rows.append(
            (
                records.cell(output),
                f"{int(answers.count[output]):,}",
                Cell(probability(float(mean)), bar=float(mean)),
                probability(float(surest)),
                records.cell(beside[0][0]) if beside else "",
            )
        )
    return Table("", tuple(rows), HEADER if answers.named else ("output", *HEADER[1:]))
