"""From what was stored to the page: figures with their settings, and why some are not there.

Flow: store -> stored + text -> **view** -> pages. Imports no torch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lamella.analyses.dataset_examples.stored import examples
from lamella.analyses.objectives.stored import (
    PANEL,
    PHOTOGRAPH,
    PICTURE,
    SLUG,
    Notes,
    notes_of,
)
from lamella.analyses.objectives.text import ABSENT, GLOSSARY, LEAD, SECTIONS, TITLE, Part, Row
from lamella.figures import Figure, Gallery, Lines, Picture, Series, Table, Tile, short
from lamella.figures.article import Article
from lamella.figures.article import Part as Section
from lamella.figures.published import network_picture
from lamella.store.facts import Atlas
from lamella.store.gathering import PanelFacts


def articles(atlas: Atlas) -> tuple[Article, ...]:
    """The page; none before there is a picture."""
    notes = notes_of(atlas)
    if notes is None:
        return ()
    done = atlas.store.folder(PANEL, atlas.keys[PANEL]).done()
    if not done:
        return ()
    stored = atlas.of_network(PANEL, max(done) + 1)
    return (Page(atlas, notes, stored, _examples(atlas, notes)).article(),)


def _examples(atlas: Atlas, notes: Notes) -> tuple[Figure, ...]:
    """The unit's strongest photographs, as its own page shows them."""
    name, _, channel = notes["subject"]["unit"].rpartition(":")
    facts = next(facts for facts in atlas.layers() if facts.layer.name == name)
    found = examples(facts, int(channel))
    if found is None:
        return ()
    tiles = (
        Tile(one.patch, short(one.activation), one.label, beside=one.whole) for one in found.shown
    )
    return (Gallery("Photographs that excite it most", tuple(tiles)),)


@dataclass(frozen=True)
class Shown:
    """One picture of a row: what was stored of it.

    Attributes:
        key: of its demonstration.
        entry: its own.
        facts: its settings, each under what it is a setting of.
    """

    key: str
    entry: int
    caption: str
    expression: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Page:
    """The page of one atlas.

    Attributes:
        notes: what was written beside the shards.
        stored: the numbers of all pictures.
        examples: the unit's dataset examples.
    """

    atlas: Atlas
    notes: Notes
    stored: PanelFacts
    examples: tuple[Figure, ...] = ()

    def article(self) -> Article:
        """All sections that have something to show or to say."""
        parts = tuple(part for each in SECTIONS for part in self._part(each))
        parts += self._glossary() if parts else ()
        line = "One unit under every objective, parameterization and regularization."
        return Article(SLUG, TITLE, self._filled(LEAD), parts, line=line)

    def _filled(self, text: str) -> str:
        for name, value in self.notes["subject"].items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def _part(self, part: Part) -> Iterator[Section]:
        figures = [figure for row in part.rows for figure in self._row(row)]
        if not figures:
            return
        figures += self._chart(part.chart)
        figures += self.examples if part.examples else ()
        wanted = {key for row in part.rows for key in row.demonstrations}
        absent = [
            ABSENT[need]
            for need in self.notes["absent"]
            if need in ABSENT and wanted & set(self.notes["absent"][need])
        ]
        text = (*part.text, *absent)
        yield Section(part.title, tuple(map(self._filled, text)), tuple(figures))

    def _row(self, row: Row) -> Iterator[Figure]:
        """A gallery; what its pictures share stands once below it."""
        each = [one for key in row.demonstrations for one in self._pictures(key)]
        each = [replace(one, caption=row.called.get(one.key, one.caption)) for one in each]
        shared = _shared([one.facts for one in each])
        records = self.notes["demonstrations"]
        simple = all(len(records[one.key]["terms"]) <= 1 for one in each)
        hidden = shared.keys() | (set() if simple else {"objective"})  # the glossary has its terms
        tiles = []
        for one in each:
            picture = self._picture(one)
            if picture is not None:
                own = [text for name, text in one.facts.items() if name not in hidden]
                words = [one.expression, *own, *(self._excited(one) if row.excited else ())]
                tiles.append(Tile(picture, one.caption, "; ".join(filter(None, words))))
        common = [text for name, text in shared.items() if simple or name != "objective"]
        notes = []
        if common and tiles:
            notes = [f"{'All: ' if len(tiles) > 1 else ''}{'; '.join(common)}."]
        notes += [note for key in row.demonstrations for note in self._problem(key)]
        if tiles or notes:
            yield Gallery(self._filled(row.title), tuple(tiles), " ".join(notes), "plates")

    def _glossary(self) -> tuple[Section, ...]:
        """What the terms of all expressions mean, in the engine's own words."""
        terms: dict[str, str] = {}
        for key in (key for part in SECTIONS for row in part.rows for key in row.demonstrations):
            for term, meaning in self.notes["demonstrations"].get(key, {}).get("terms", {}).items():
                terms.setdefault(term, meaning)
        alike: dict[str, list[str]] = {}
        for term, meaning in terms.items():
            alike.setdefault(meaning, []).append(term)
        table = Table("", tuple((meaning, ", ".join(same)) for meaning, same in alike.items()))
        text = tuple(map(self._filled, GLOSSARY.text))
        return (Section(GLOSSARY.title, text, (table,)),) if terms else ()

    def _pictures(self, key: str) -> Iterator[Shown]:
        record = self.notes["demonstrations"].get(key)
        if record is None or "problem" in record:
            return
        facts = {"objective": record["description"], **record["facts"]}
        pairs = zip(record["captions"], record["expressions"], strict=True)
        for entry, (caption, expression) in enumerate(pairs, record["first"]):
            yield Shown(key, entry, caption, expression, facts)

    def _picture(self, one: Shown) -> Picture | None:
        alt = f"{one.caption}: made with {one.expression}" if one.expression else one.caption
        photographic = self.notes["demonstrations"][one.key]["photographic"]
        name = PHOTOGRAPH if photographic else PICTURE
        return network_picture(self.atlas, PANEL, name, one.entry, alt)

    def _excited(self, one: Shown) -> Iterator[str]:
        ratio = float(self.stored["excites"][one.entry])
        if np.isfinite(ratio):
            yield f"{ratio:.1f} times the photographs’ maximum"

    def _problem(self, key: str) -> Iterator[str]:
        record = self.notes["demonstrations"].get(key, {})
        if "problem" in record:
            yield f"“{key}” could not be made: {record['problem']}."

    def _chart(self, chart: str) -> list[Figure]:
        """The curve of the ascent, or spectra of some pictures beside the photographs'."""
        if chart == "curve":
            one = next(self._pictures("way"), None)
            return [] if one is None else [self._curve(one)]
        series = []
        for name, key in (("without regularization", "plain"), ("as in this atlas", "channel")):
            one = next(self._pictures(key), None)
            if one is not None:
                series.append(Series(name, _floats(self.stored["spectrum"][one.entry])))
        if not chart or not series:
            return []
        if photographs := self.notes["photographs"]:
            series.append(Series("photographs", tuple(photographs)))
        bins = len(series[0].values)
        x = tuple(((np.arange(bins) + 0.5) / (2 * bins)).round(4).tolist())
        alt = "Mean magnitude of lightness by frequency: photographs fall steadily, the picture "
        alt += "without regularization does not."
        label, height = "cycles per pixel", "magnitude of lightness"
        return [Lines("Spectra", x, tuple(series), alt, label, height, log_y=True)]

    def _curve(self, one: Shown) -> Lines:
        steps = self.notes["demonstrations"][one.key]["steps"]
        values = _floats(self.stored["curve"][one.entry])
        x = np.linspace(0, steps - 1, len(values)).round().tolist()
        alt = f"The objective over {steps} steps, from {values[0]:.3g} to {values[-1]:.3g}."
        series = Series(self.notes["subject"]["unit"], values)
        return Lines("The objective", tuple(x), (series,), alt, "steps", one.expression)


def _shared(facts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The settings that all pictures have in common."""
    first = facts[0] if facts else {}
    return {
        name: text
        for name, text in first.items()
        if text and all(each.get(name) == text for each in facts)
    }


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
