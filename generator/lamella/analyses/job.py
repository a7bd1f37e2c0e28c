"""What a panel's `compute` is given.

Flow: model + images + survey -> **job** -> panels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamella.images.images import Images
from lamella.network.model import Model
from lamella.store.facts import Atlas
from lamella.store.parts import Parts
from lamella.store.store import document


@dataclass(frozen=True)
class Job:
    """The network, the images, and the facts that are known so far.

    Attributes:
        settings: the panel's own, of the type that it declares.
        panel: its name.
        seed: of the whole atlas; panels derive a seed per unit from it.
        tick: to be called with the number of units (or images) finished since the last call.
        path: from a path in atlas.toml to where that is.
        parts: what is noted of an analysis of the whole network; None for others.
    """

    model: Model
    images: Images
    atlas: Atlas
    panel: str
    settings: Any
    seed: int
    tick: Callable[[int], None]
    path: Callable[[str], Path] = Path
    parts: Parts | None = None

    def recall(self, name: str) -> Any:
        """A small document that the panel wrote beside its shards; None where there is none."""
        return self.atlas.document(self.panel, name)

    def remember(self, name: str, value: object) -> None:
        """Write a small document beside the panel's shards: what a later run must know."""
        if self.parts:
            self.parts.begin(f"{name}.json")
        self.atlas.store.write_json(document(self.panel, self.atlas.keys[self.panel], name), value)
