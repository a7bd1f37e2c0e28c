"""What was found, as pages read it: concepts, detectors, and both networks' numbers.

Flow: compute -> store -> **stored** -> view, tables, articles. Imports no torch.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.dissection.concepts import COLOUR, Concept
from lamella.figures import Picture
from lamella.figures.published import unit_picture
from lamella.network.units import Layer, Unit
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.store import Store, document

PANEL = "dissection"
DOCUMENT = "concepts"  # beside the shards
SCENES = "scenes"  # the sheet of a detector: its strongest scenes
OVERVIEW = "dissection"  # the slug of the page on the whole network


@dataclass(frozen=True)
class DissectionRecord:
    """What the dissection was of.

    Attributes:
        concepts: all of them; `images` of each half show them, and they take that share of the
            pixels of the half for measuring.
        allowed: whether enough images show them.
        scenes: images of each half.
        plain: the rest, as `compute` stored it.
    """

    concepts: tuple[Concept, ...]
    images: tuple[tuple[int, int], ...]
    allowed: tuple[bool, ...]
    scenes: tuple[int, int]
    plain: Mapping[str, Any]

    @classmethod
    def of(cls, atlas: Atlas) -> "DissectionRecord | None":
        """What an atlas stored; None where nothing was dissected yet."""
        key = atlas.keys.get(PANEL)
        try:
            return _read(atlas.store.root, document(PANEL, key, DOCUMENT)) if key else None
        except LookupError:
            return None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of the concepts that may be chosen; colours last."""
        own = {c.kind for c, allowed in zip(self.concepts, self.allowed, strict=True) if allowed}
        return (*sorted(own - {COLOUR}), *sorted(own & {COLOUR}))

    @cached_property
    def slugs(self) -> tuple[str, ...]:
        """The address of each concept's page."""
        return tuple(slug_of(concept) for concept in self.concepts)


@lru_cache(maxsize=8)
def _read(root: Path, name: str) -> DissectionRecord:
    """The document of a store. Its key pins what it says, so it is read once."""
    plain = Store(root).read_json(name)
    if plain is None:
        raise LookupError(name)
    concepts = plain["concepts"]
    return DissectionRecord(
        tuple(Concept(each["name"], each["kind"]) for each in concepts),
        tuple((each["images"][0], each["images"][1]) for each in concepts),
        tuple(each["allowed"] for each in concepts),
        (plain["scenes"][0], plain["scenes"][1]),
        plain,
    )


def slug_of(concept: Concept) -> str:
    """The address of a concept's page: `concept-<kind>-<name>`, spaces as dashes.

    What holds anything but small letters, digits and single spaces loses it and gains six digits of
    a digest, as does a kind of several words: distinct concepts get distinct addresses.
    """
    simple = re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", concept.name)
    if simple and re.fullmatch(r"[a-z0-9]+", concept.kind):
        return f"concept-{concept.kind}-{concept.name.replace(' ', '-')}"
    kept = re.sub(r"[^a-z0-9]+", "-", f"{concept.kind}-{concept.name}".lower()).strip("-")[:60]
    whole = f"{concept.kind}\n{concept.name}".encode(errors="surrogatepass")
    return f"concept-{kept}-{hashlib.sha256(whole).hexdigest()[:6]}"


@dataclass(frozen=True, slots=True)
class UnitDissection:
    """What was found of one unit.

    Attributes:
        live: whether it has a threshold.
        concepts: the best ones, best first.
        measured, chosen: their IoU on the half for measuring and on the one for choosing.
        detects: the concept that it detects; None for none.
        threshold: of its activation; share: of the positions that lie above.
        sheet: its strongest scenes, side by side in so many `columns`; None where not published.
    """

    live: bool
    concepts: tuple[int, ...]
    measured: tuple[float, ...]
    chosen: tuple[float, ...]
    detects: int | None
    threshold: float
    share: float
    sheet: Picture | None
    columns: int

    @classmethod
    def of(cls, facts: LayerFacts, channel: int) -> "UnitDissection | None":
        """What the store knows of a unit; None before that, and where its layer has no map."""
        own = facts.of(PANEL)
        if not own.present[channel] or "concept" not in own.numbers:
            return None
        detects = int(own["detects"][channel])
        return cls(
            bool(own["live"][channel]),
            tuple(at for at in own["concept"][channel].tolist() if at >= 0),
            tuple(own["measured"][channel].tolist()),
            tuple(own["chosen"][channel].tolist()),
            detects if detects >= 0 else None,
            float(own["threshold"][channel]),
            float(own["share"][channel]),
            unit_picture(facts, PANEL, SCENES, channel, ""),
            own.sheets[SCENES].columns,
        )


@dataclass(frozen=True)
class LayerDetectors:
    """What was found in one layer: the detectors among its units.

    Attributes:
        trained, random: the concept that each unit detects, -1 for none; `random` is None where no
            random network was dissected.
        iou, random_iou: of its best concept, on the half for measuring.
        ranked, measured: its best concepts and their IoU, as in `detectors`.
        live: whether a unit has a threshold.
    """

    layer: Layer
    trained: NDArray[np.int32]
    iou: NDArray[np.float32]
    random: NDArray[np.int32] | None
    random_iou: NDArray[np.float32] | None
    ranked: NDArray[np.int32]
    measured: NDArray[np.float32]
    live: NDArray[np.bool_]

    @classmethod
    def of(cls, facts: LayerFacts) -> "LayerDetectors | None":
        """What the store knows of a layer; None before that, and where it has no map."""
        own = facts.of(PANEL)
        if not own.present.all() or not has_map(facts.layer):
            return None
        baseline = "random_detects" in own.numbers
        return cls(
            facts.layer,
            own["detects"],
            own["measured"][:, 0],
            own["random_detects"] if baseline else None,
            own["random_iou"] if baseline else None,
            own["concept"],
            own["measured"],
            own["live"].astype(np.bool_),
        )

    def counts(
        self, record: DissectionRecord, kind: str | None, *, random: bool = False
    ) -> tuple[int, int]:
        """Detectors of a kind (None: of any), and how many concepts they share among them."""
        detects = self.random if random else self.trained
        found = [
            concept
            for concept in (() if detects is None else detects[detects >= 0].tolist())
            if kind in (None, record.concepts[concept].kind)
        ]
        return len(found), len(set(found))

    def detectors(self, concept: int) -> list[tuple[Unit, float]]:
        """The units that detect a concept, with their IoU."""
        return [
            (Unit(self.layer.name, int(channel)), float(self.iou[channel]))
            for channel in np.flatnonzero(self.trained == concept)
        ]

    def nearest(self, concept: int) -> list[tuple[Unit, float]]:
        """Units that have a concept among their best, with their IoU."""
        channels, places = np.nonzero(self.ranked == concept)
        return [
            (Unit(self.layer.name, int(channel)), float(self.measured[channel, place]))
            for channel, place in zip(channels, places, strict=True)
        ]


def has_map(layer: Layer) -> bool:
    """Whether a layer says where in the image something is: a vector does not."""
    return layer.has_map


def dissected(atlas: Atlas) -> tuple[DissectionRecord | None, list[LayerDetectors]]:
    """What is known of all layers."""
    record = DissectionRecord.of(atlas)
    if record is None:
        return None, []
    every = (LayerDetectors.of(facts) for facts in atlas.layers())
    return record, [each for each in every if each is not None]
