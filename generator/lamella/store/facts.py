"""The facts of a layer and of the network, as analyses and pages read them from the store.

Flow: store -> gathering -> **facts** -> analyses -> pages. No torch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from lamella.images.manifest import Manifest
from lamella.network.description import Network
from lamella.network.units import Layer, Unit
from lamella.store.gathering import PanelFacts as PanelFacts  # part of what analyses read
from lamella.store.gathering import Size, gather, sizes
from lamella.store.store import Folder, Store, document

T = TypeVar("T")


def once(work: Callable[["LayerFacts"], T]) -> Callable[["LayerFacts"], T]:
    """Work on a layer that all pages of its units ask for: done once, kept as long as its facts."""
    known: WeakKeyDictionary[LayerFacts, T] = WeakKeyDictionary()

    @wraps(work)
    def kept(facts: LayerFacts) -> T:
        if facts not in known:
            known[facts] = work(facts)
        return known[facts]

    return kept


@dataclass(eq=False)
class LayerFacts:
    """All facts of one layer; those of an analysis are read when first asked for.

    Attributes:
        folders: where each analysis stores its results of the layer, by its name.
    """

    network: Network
    manifest: Manifest
    layer: Layer
    folders: Mapping[str, Folder]
    atlas: "Atlas"
    _read: dict[str, PanelFacts] = field(default_factory=dict)

    def of(self, panel: str) -> PanelFacts:
        """What an analysis stored of the layer; nothing is present where it has not run."""
        if panel not in self._read:
            folder = self.folders.get(panel)
            rows = self.layer.channels
            empty = PanelFacts(np.zeros(rows, dtype=np.bool_), {}, {}, {}, {})
            self._read[panel] = gather(folder, rows) if folder else empty
        return self._read[panel]

    def maximum(self, channel: int) -> float | None:
        """The unit's largest activation on any photograph; None before the survey."""
        survey = self.of("survey")
        return float(survey["maximum"][channel]) if survey.present[channel] else None

    def silent(self, channel: int) -> bool:
        """Whether no photograph excites a unit of a layer that is never negative."""
        survey = self.of("survey")
        known = survey.present[channel] and not self.layer.signed
        return bool(known and survey["maximum"][channel] <= 0)

    @property
    def photographs(self) -> int:
        """How many images were surveyed."""
        return len(self.manifest.photographs) - len(self.manifest.skipped)

    @property
    def fingerprint(self) -> str:
        """Changes exactly when what the store holds of the layer does."""
        return "".join(folder.fingerprint for folder in self.folders.values())


EXAMPLES = 12  # of a unit's strongest images are shown; the survey keeps more


@dataclass(frozen=True)
class Atlas:
    """All facts of one network: one work folder, under the keys of one config.

    Attributes:
        keys: the key of each analysis that was asked for, by its name.
        publish: what of the images may be shown: "whole", "patches" or "none".
        pages: where pages of single classes or images lie, by the analysis that has them and the
            number of the class or image; the site fills it in.
        withheld: analyses whose pictures show photographs that stay private; "analysis/name" where
            only those of one name do. The site fills it in.
    """

    network: Network
    manifest: Manifest
    store: Store
    keys: Mapping[str, str]
    publish: str = "whole"
    withheld: frozenset[str] = frozenset()
    pages: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    _of_units: dict[str, PanelFacts] = field(default_factory=dict)
    _sizes: dict[str, dict[tuple[str, int], Size]] = field(default_factory=dict)

    def layer(self, layer: Layer) -> LayerFacts:
        """The facts of one layer."""
        folders = {
            panel: self.store.folder(panel, key, layer.name) for panel, key in self.keys.items()
        }
        return LayerFacts(self.network, self.manifest, layer, folders, self)

    def layers(self) -> Iterator[LayerFacts]:
        """The facts of each layer, in order, one layer in memory at a time."""
        return (self.layer(layer) for layer in self.network.layers)

    def of_network(self, panel: str, rows: int) -> PanelFacts:
        """What an analysis stored of the network and not of a layer, as arrays of `rows` rows."""
        return gather(self.store.folder(panel, self.keys[panel]), rows)

    def of_units(self, panel: str) -> PanelFacts | None:
        """What an analysis stored of all units of the network, one row per unit; kept in memory.

        None where it was not asked for.
        """
        if panel not in self.keys:
            return None
        if panel not in self._of_units:
            self._of_units[panel] = self.of_network(panel, len(self.units))
        return self._of_units[panel]

    def picture_size(self, panel: str, name: str, entry: int) -> Size | None:
        """The size of a picture of the network as it is published.

        None where there is none, or where it shows photographs that stay private.
        """
        if panel not in self.keys or self.withheld & {panel, f"{panel}/{name}"}:
            return None
        if panel not in self._sizes:
            self._sizes[panel] = sizes(self.store.folder(panel, self.keys[panel]))
        return self._sizes[panel].get((name, entry))

    def document(self, panel: str, name: str) -> Any:
        """A small document that a panel keeps beside its shards; None where there is none."""
        key = self.keys.get(panel)
        return self.store.read_json(document(panel, key, name)) if key else None

    def pages_of(self, panel: str) -> Mapping[int, str]:
        """Where the pages of an analysis lie, by the class or image that each is of."""
        return self.pages.get(panel, {})

    @cached_property
    def labelled(self) -> Mapping[str, int]:
        """How many surveyed images have each label, in the manifest's order."""
        broken = {name for name, _ in self.manifest.skipped}
        counts = dict.fromkeys(self.manifest.labels, 0)
        for photograph in self.manifest.photographs:
            if photograph.label in counts and photograph.name not in broken:
                counts[photograph.label] += 1
        return counts

    @cached_property
    def offsets(self) -> Mapping[str, int]:
        """The number of each layer's first unit, counting through the whole network."""
        stops = np.cumsum([0, *(layer.channels for layer in self.network.layers)])
        names = [layer.name for layer in self.network.layers]
        return dict(zip(names, stops[:-1].tolist(), strict=True))

    @cached_property
    def channels(self) -> Mapping[str, int]:
        """How many units each layer has."""
        return {layer.name: layer.channels for layer in self.network.layers}

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """All units, in order."""
        return tuple(unit for layer in self.network.layers for unit in layer.units)
