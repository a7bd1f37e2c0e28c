"""What a page shows of one unit or layer: a section per panel, and how its results were made.

Flow: panels' `view` -> **sections** -> pages.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lamella.analyses.panel import Panel
from lamella.figures import Figure, Gallery
from lamella.figures.published import PATCHES, PICTURE, patches_shown
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.store import Folder

# At the top of a unit's page: at the left what it looks for, at the right what it responds to;
# then what it is built from and what is like it, open; all else is folded.
LEFT = (PICTURE[0], "diversity", "minimizing")
RIGHT = (PATCHES[0],)
OPEN = ("weights", "logit_contributions", "embedding", "activation_spectrum", "statistics")
WITHHELD = {
    "none": "The photographs of this atlas are not published.",
    "patches": "The photographs of this atlas are private: patches are published up to a quarter "
    "of one, and these units see more.",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A panel's part of a page.

    Attributes:
        name: the panel's name, the section's anchor.
        about: one sentence for the reader.
        figures: what it shows; may be empty where `note` says why.
        note: "" or a plain word on what is missing.
        summary: the result in a few words, where the section is folded.
    """

    name: str
    title: str
    about: str
    figures: tuple[Figure, ...]
    note: str = ""
    summary: str = ""

    @property
    def pictures(self) -> int:
        """How many pictures its first gallery shows."""
        first = self.figures[0] if self.figures else None
        return len(first.tiles) if isinstance(first, Gallery) else 0


class Sections:
    """The sections of one layer's pages; what all its units share is worked out once."""

    def __init__(self, facts: LayerFacts, panels: Sequence[Panel]) -> None:
        self.facts = facts
        shown = [panel for panel in panels if type(panel).view is not Panel.view]
        self._shown = [(panel, self._pending(panel)) for panel in shown]

    def of(self, channel: int) -> tuple[Section, ...]:
        """The sections of a unit, in the order of the panels."""
        found = []
        for panel, pending in self._shown:
            figures = panel.view(self.facts, channel)
            note = "" if figures else pending[channel] if pending is not None else ""
            if figures or note:
                summary = panel.summary(self.facts, channel, figures) if figures else note
                about = panel.about
                found.append(Section(panel.name, panel.title, about, figures, note, summary))
        return tuple(found)

    def of_layer(self, panels: Sequence[Panel]) -> tuple[Section, ...]:
        """The sections of the layer itself."""
        views = ((panel, panel.view_layer(self.facts)) for panel in panels)
        return tuple(
            Section(panel.name, panel.title, panel.about, figures)
            for panel, figures in views
            if figures
        )

    def _pending(self, panel: Panel) -> Sequence[str] | None:
        """For each unit, why a section of this panel may be empty; None: no reason to say so."""
        channels = self.facts.layer.channels
        if panel.shows_photographs and not patches_shown(self.facts):
            return [WITHHELD[self.facts.atlas.publish]] * channels
        if panel.per == "view":
            return None
        if panel.per == "network":
            atlas = self.facts.atlas
            key = atlas.keys.get(panel.name)
            done = key is not None and bool(atlas.store.folder(panel.name, key).notes)
            return None if done else ["Not computed yet."] * channels
        present = self.facts.of(panel.name).present.tolist()
        return ["" if done else "Not computed yet." for done in present]


@dataclass(frozen=True, slots=True)
class Arranged:
    """The sections of a unit's page: left and right at the top, those below, and what is folded."""

    left: tuple[Section, ...]
    right: tuple[Section, ...]
    below: tuple[Section, ...]
    folded: tuple[Section, ...]


def arranged(sections: Sequence[Section]) -> Arranged:
    """The sections of a unit in their places."""
    by_name = {section.name: section for section in sections}
    left, right, below = (
        tuple(by_name[name] for name in names if name in by_name) for names in (LEFT, RIGHT, OPEN)
    )
    placed = {*LEFT, *RIGHT, *OPEN}
    return Arranged(left, right, below, tuple(s for s in sections if s.name not in placed))


def made(facts: LayerFacts, panels: Sequence[Panel]) -> tuple[tuple[str, str, str], ...]:
    """How the results of a layer were made: (panel's title, its key, settings and versions)."""
    titles = {
        "survey": "Survey",
        "labels": "Survey by label",
        **{panel.name: panel.title for panel in panels},
    }
    found = []
    for name, key in facts.atlas.keys.items():
        provenance = _provenance(facts.atlas, facts, name)
        if provenance is not None:
            words = ", ".join(f"{field} {value}" for field, value in _flat(provenance))
            found.append((titles.get(name, name), key[:12], words))
    return tuple(found)


def made_of_network(atlas: Atlas, panel: Panel) -> tuple[tuple[str, str, str], ...]:
    """How what a panel shows of the whole network was made, in the form of `made`."""
    if panel.name not in atlas.keys:
        return ()
    key = atlas.keys[panel.name]
    words = ", ".join(
        f"{field} {value}" for field, value in _flat(_joined(atlas.store.folder(panel.name, key)))
    )
    return ((panel.title, key[:12], words),)


def _provenance(atlas: Atlas, facts: LayerFacts, panel: str) -> Mapping[str, object] | None:
    """What a panel recorded; None where it stored nothing."""
    stored = facts.of(panel)
    if stored.present.any():
        return stored.made
    folder = atlas.store.folder(panel, atlas.keys[panel])
    return _joined(folder) if folder.notes else None


def _joined(folder: Folder) -> dict[str, object]:
    """What the shards of a folder say of how they were made."""
    joined: dict[str, object] = {}
    for note in folder.notes.values():
        joined.update(note["made"])
    return joined


def _flat(value: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as (name, text) pairs, in order."""
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{prefix}{name}.")
        else:
            plain = inner if isinstance(inner, str) else json.dumps(inner, default=str)
            yield prefix + str(name).replace("_", " "), plain
