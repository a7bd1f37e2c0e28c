"""The units that contribute to a class, and the classes that a unit contributes to.

Flow: stored, records -> **contributions_view** -> class_page; the sections of units' pages.
Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lamella.analyses.classes import text
from lamella.analyses.classes.records import ClassRecords
from lamella.analyses.classes.stored import (
    AGAINST,
    DOWN,
    FOR,
    UP,
    ClassWeights,
    HeadRecord,
    class_pages,
    head_record,
    output_layer,
)
from lamella.analyses.predictions.stored import Answers, answers
from lamella.figures import Cell, Figure, Gallery, Table, Tile
from lamella.figures.article import Part
from lamella.figures.published import thumbnail, unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas, LayerFacts, once

TITLE = "Units that push it"
LISTS = (
    (FOR, "What adds most to its score, on its photographs"),
    (AGAINST, "What takes most from it"),
    (UP, "The largest weights"),
    (DOWN, "The most negative weights"),
)


def units_part(records: ClassRecords, output: int) -> Part:
    """The units that contribute to a class, through the weights of the last layer."""
    head, stored = records.head, records.stored
    if head.no_weights:
        return Part(TITLE, (head.no_weights,))
    inputs, weights, means = (stored[name][output] for name in ("inputs", "weights", "means"))
    figures: list[Figure] = []
    for at, title in LISTS:
        rows = zip(inputs[at].tolist(), weights[at].tolist(), means[at].tolist(), strict=True)
        tiles = tuple(_tiles(records.atlas, head, rows, by_weight=at in (UP, DOWN)))
        if tiles:
            figures.append(Gallery(title, tiles, size="stages"))
    score, bias, total = (float(stored[name][output]) for name in ("score", "bias", "total"))
    paragraphs = [text.PUSH, *([text.RECTIFIED] if head.rectified else [])]
    paragraphs.append(text.sum_of(len(head.units), score, bias, total))
    return Part(TITLE, tuple(paragraphs), tuple(figures))


def _tiles(
    atlas: Atlas, head: HeadRecord, rows: Iterator[tuple[int, float, float]], by_weight: bool
) -> Iterator[Tile]:
    """Units with what they add to the score, and their weight."""
    for place, weight, mean in rows:
        if place < 0:
            return
        unit = next((u for u in reversed(head.units[place]) if u.layer in atlas.channels), None)
        if unit is None:
            continue  # of a layer that the atlas leaves out, or of none that is known
        adds = f"adds {text.signed(weight * mean)}"
        weighs = f"weight {text.signed(weight)}"
        detail = f"{weighs}; {adds}" if by_weight else f"{adds}; {weighs}"
        yield Tile(thumbnail(atlas, unit), str(unit), detail, unit_page(atlas, unit))


def unit_figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """What a unit's own page shows: the classes that it contributes to, and the class whose
    score it is."""
    head, predictions = head_record(facts.atlas), answers(facts.atlas)
    if head is None or predictions is None:
        return ()
    if facts.layer.name == head.output:
        return _own_class(facts, predictions, channel)
    found: list[Figure] = []
    linked = _pages(facts)
    for at in head.inputs.get(Unit(facts.layer.name, channel), ())[:1]:
        for title, classes in (("Pushes up", head.up[at]), ("Pushes down", head.down[at])):
            tiles = tuple(_classes(facts.atlas, predictions, classes, linked))
            if tiles:
                found.append(Gallery(title, tiles, size="small"))
    return tuple(found)


def _classes(
    atlas: Atlas, predictions: Answers, classes: ClassWeights, linked: dict[int, str]
) -> Iterator[Tile]:
    layer = output_layer(atlas)
    for output, weight in classes:
        unit = Unit(layer.name, output) if layer is not None else None
        if unit is None:
            continue
        link = linked.get(output, unit_page(atlas, unit))
        yield Tile(thumbnail(atlas, unit), predictions.short(output), text.signed(weight), link)


@once
def _pages(facts: LayerFacts) -> dict[int, str]:
    """The pages of the classes; looked up once for all units of a layer."""
    return class_pages(facts.atlas)


def _own_class(facts: LayerFacts, predictions: Answers, output: int) -> tuple[Figure, ...]:
    """From the unit of a class score to the page of the class."""
    link = _pages(facts).get(output, "")
    count = text.images(int(predictions.count[output]))
    rows: Sequence[tuple[str | Cell, ...]] = (
        ("It is the score of", Cell(predictions.short(output), link)),
        ("First answer to", count),
    )
    return (Table("", tuple(rows)),)
