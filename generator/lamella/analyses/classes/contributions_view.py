"""The units that push a class, and the classes that a unit pushes.

Flow: store -> book, notes -> **pushed** -> page, panels/class_units.py. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from weakref import WeakKeyDictionary

from lamella.analyses.classes import text as words
from lamella.analyses.classes.facts import Book
from lamella.analyses.classes.stored import (
    AGAINST,
    DOWN,
    FOR,
    UP,
    Notes,
    Pushed,
    notes,
    output_layer,
    pages,
)
from lamella.analyses.predictions.stored import Answers, answers
from lamella.figures import Cell, Figure, Gallery, Table, Tile
from lamella.figures.article import Part
from lamella.figures.published import thumbnail, unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas, LayerFacts

_KNOWN: WeakKeyDictionary[LayerFacts, dict[int, str]] = WeakKeyDictionary()

TITLE = "Units that push it"
LISTS = (
    (FOR, "What adds most to its score, on its photographs"),
    (AGAINST, "What takes most from it"),
    (UP, "The largest weights"),
    (DOWN, "The most negative weights"),
)


def units_part(book: Book, output: int) -> Part:
    """The units that push a class, through the weights of the last layer."""
    told = book.notes
    if told.head:
        return Part(TITLE, (told.head,))
    inputs, weights, means = (book.stored[name][output] for name in ("inputs", "weights", "means"))
    figures: list[Figure] = []
    for at, title in LISTS:
        rows = zip(inputs[at].tolist(), weights[at].tolist(), means[at].tolist(), strict=True)
        tiles = tuple(_tiles(book.atlas, told, rows, by_weight=at in (UP, DOWN)))
        if tiles:
            figures.append(Gallery(title, tiles, size="stages"))
    score, bias, total = (float(book.stored[name][output]) for name in ("score", "bias", "total"))
    text = [words.PUSH, *([words.RECTIFIED] if told.rectified else [])]
    text.append(words.sum_of(len(told.units), score, bias, total))
    return Part(TITLE, tuple(text), tuple(figures))


def _tiles(
    atlas: Atlas, told: Notes, rows: Iterator[tuple[int, float, float]], by_weight: bool
) -> Iterator[Tile]:
    """Units with what they add to the score, and their weight."""
    for place, weight, mean in rows:
        if place < 0:
            return
        unit = next((u for u in reversed(told.units[place]) if u.layer in atlas.channels), None)
        if unit is None:
            continue  # of a layer that the atlas leaves out, or of none that is known
        adds = f"adds {words.signed(weight * mean)}"
        weighs = f"weight {words.signed(weight)}"
        detail = f"{weighs}; {adds}" if by_weight else f"{adds}; {weighs}"
        yield Tile(thumbnail(atlas, unit), str(unit), detail, unit_page(atlas, unit))


def of_unit(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """What a unit's own page shows: the classes that it pushes, and the class that it is."""
    told, known = notes(facts.atlas), answers(facts.atlas)
    if told is None or known is None:
        return ()
    if facts.layer.name == told.output:
        return _own_class(facts, known, channel)
    found: list[Figure] = []
    linked = _pages(facts)
    for at in told.inputs.get(Unit(facts.layer.name, channel), ())[:1]:
        for title, pushed in (("Pushes up", told.up[at]), ("Pushes down", told.down[at])):
            tiles = tuple(_classes(facts.atlas, known, pushed, linked))
            if tiles:
                found.append(Gallery(title, tiles, size="small"))
    return tuple(found)


def _classes(
    atlas: Atlas, known: Answers, pushed: Pushed, linked: dict[int, str]
) -> Iterator[Tile]:
    layer = output_layer(atlas)
    for output, weight in pushed:
        unit = Unit(layer.name, output) if layer is not None else None
        if unit is None:
            continue
        link = linked.get(output, unit_page(atlas, unit))
        yield Tile(thumbnail(atlas, unit), known.short(output), words.signed(weight), link)


def _pages(facts: LayerFacts) -> dict[int, str]:
    """The pages of the classes; looked up once for all units of a layer."""
    found = _KNOWN.get(facts)
    if found is None:
        found = _KNOWN[facts] = pages(facts.atlas)
    return found


def _own_class(facts: LayerFacts, known: Answers, output: int) -> tuple[Figure, ...]:
    """From the unit of a class score to the page of the class."""
    link = _pages(facts).get(output, "")
    count = words.images(int(known.count[output]))
    rows: Sequence[tuple[str | Cell, ...]] = (
        ("It is the score of", Cell(known.short(output), link)),
        ("First answer to", count),
    )
    return (Table("", tuple(rows)),)
