"""From what was stored to the page: figures with their settings, and why some are not there.

Flow: store + words -> **page** -> panels' `articles`. Imports no torch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lamella.analyses.objectives.text import (
    ABSENT,
    GLOSSARY,
    LEAD,
    SECTIONS,
    SLUG,
    TITLE,
    Part,
    Strip,
)
from lamella.figures import Figure, Gallery, Lines, Series, Table, Tile
from lamella.figures.article import Article
from lamella.figures.article import Part as Section
from lamella.figures.published import network_picture
from lamella.store.facts import Atlas
from lamella.store.gathering import PanelFacts

PANEL = "objectives"
PICTURE, PHOTOGRAPH = "plate", "photograph"  # names of stored pictures


@dataclass(frozen=True)
class Shot:
    """One picture of a strip: what was stored of it.

    Attributes:
        facts: its settings, each under what it is a setting of.
    """

    key: str
    entry: int
    at: int
    caption: str
    expression: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Page:
    """The page of one atlas.

    Attributes:
        notes: what was written beside the shards: the subject, and each plate's words.
        stored: the numbers of all pictures.
        examples: the unit's dataset examples.
    """

    atlas: Atlas
    notes: Mapping[str, Any]
    stored: PanelFacts
    examples: tuple[Figure, ...] = ()

    def article(self) -> Article:
        """All sections that have something to show or to say."""
        parts = tuple(part for each in SECTIONS for part in self._part(each))
        parts += self._glossary() if parts else ()
        return Article(SLUG, TITLE, self._filled(LEAD), parts)

    def _filled(self, text: str) -> str:
        for name, value in self.notes["subject"].items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def _part(self, part: Part) -> Iterator[Section]:
        figures = [figure for strip in part.strips for figure in self._strip(strip)]
        if not figures:
            return
        figures += self._chart(part.chart)
        figures += self.examples if part.examples else ()
        wanted = {key for strip in part.strips for key in strip.plates}
        absent = [
            ABSENT[need]
            for need in self.notes["absent"]
            if need in ABSENT and wanted & set(self.notes["absent"][need])
        ]
        text = (*part.text, *absent)
        yield Section(part.title, tuple(map(self._filled, text)), tuple(figures))

    def _strip(self, strip: Strip) -> Iterator[Figure]:
        """A gallery; what its pictures share stands once below it."""
        shots = [shot for key in strip.plates for shot in self._shots(key)]
        shots = [replace(s, caption=strip.called.get(s.key, s.caption)) for s in shots]
        shared = _shared([shot.facts for shot in shots])
        simple = all(len(self.notes["plates"][shot.key]["terms"]) <= 1 for shot in shots)
        hidden = shared.keys() | (set() if simple else {"objective"})  # the glossary has its terms
        tiles = []
        for shot in shots:
            picture = self._picture(shot)
            if picture is not None:
                own = [text for name, text in shot.facts.items() if name not in hidden]
                words = [shot.expression, *own, *(self._excited(shot) if strip.excited else ())]
                tiles.append(Tile(picture, shot.caption, "; ".join(filter(None, words))))
        told = [text for name, text in shared.items() if simple or name != "objective"]
        notes = [f"{'All: ' if len(tiles) > 1 else ''}{'; '.join(told)}."] if told and tiles else []
        notes += [note for key in strip.plates for note in self._problem(key)]
        if tiles or notes:
            yield Gallery(self._filled(strip.title), tuple(tiles), " ".join(notes), "plates")

    def _glossary(self) -> tuple[Section, ...]:
        """What the terms of all expressions mean, in the engine's own words."""
        terms: dict[str, str] = {}
        for key in (key for part in SECTIONS for strip in part.strips for key in strip.plates):
            for term, meaning in self.notes["plates"].get(key, {}).get("terms", {}).items():
                terms.setdefault(term, meaning)
        alike: dict[str, list[str]] = {}
        for term, meaning in terms.items():
            alike.setdefault(meaning, []).append(term)
        table = Table("", tuple((meaning, ", ".join(same)) for meaning, same in alike.items()))
        text = tuple(map(self._filled, GLOSSARY.text))
        return (Section(GLOSSARY.title, text, (table,)),) if terms else ()

    def _shots(self, key: str) -> Iterator[Shot]:
        plate = self.notes["plates"].get(key)
        if plate is None or "problem" in plate:
            return
        facts = {"objective": plate["description"], **plate["facts"]}
        told = zip(plate["captions"], plate["expressions"], strict=True)
        for at, (caption, expression) in enumerate(told):
            yield Shot(key, plate["first"] + at, at, caption, expression, facts)

    def _picture(self, shot: Shot) -> Any:
        alt = f"{shot.caption}: made with {shot.expression}" if shot.expression else shot.caption
        name = PHOTOGRAPH if self.notes["plates"][shot.key]["photographic"] else PICTURE
        return network_picture(self.atlas, PANEL, name, shot.entry, alt)

    def _excited(self, shot: Shot) -> Iterator[str]:
        ratio = float(self.stored["excites"][shot.entry])
        if np.isfinite(ratio):
            yield f"{ratio:.1f} times the photographs’ maximum"

    def _problem(self, key: str) -> Iterator[str]:
        plate = self.notes["plates"].get(key, {})
        if "problem" in plate:
            yield f"“{key}” could not be made: {plate['problem']}."

    def _chart(self, chart: str) -> list[Figure]:
        """The curve of the ascent, or spectra of some pictures beside the photographs'."""
        if chart == "curve":
            shot = next(self._shots("way"), None)
            return [] if shot is None else [self._curve(shot)]
        series = []
        for name, key in (("without regularization", "plain"), ("as in this atlas", "channel")):
            shot = next(self._shots(key), None)
            if shot is not None:
                series.append(Series(name, _floats(self.stored["spectrum"][shot.entry])))
        if not chart or not series:
            return []
        if photographs := self.notes.get("photographs"):
            series.append(Series("photographs", tuple(photographs)))
        bins = len(series[0].values)
        x = tuple(((np.arange(bins) + 0.5) / (2 * bins)).round(4).tolist())
        alt = "Mean magnitude of lightness by frequency: photographs fall steadily, the picture "
        alt += "without regularization does not."
        label, height = "cycles per pixel", "magnitude of lightness"
        return [Lines("Spectra", x, tuple(series), alt, label, height, log_y=True)]

    def _curve(self, shot: Shot) -> Lines:
        steps = self.notes["plates"][shot.key]["steps"]
        values = _floats(self.stored["curve"][shot.entry])
        x = np.linspace(0, steps - 1, len(values)).round().tolist()
        alt = f"The objective over {steps} steps, from {values[0]:.3g} to {values[-1]:.3g}."
        unit = self.notes["subject"]["unit"]
        told = Series(unit, values)
        return Lines("The objective", tuple(x), (told,), alt, "steps", shot.expression)


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
