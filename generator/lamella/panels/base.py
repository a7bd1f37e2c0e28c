"""What an analysis is: one file with `compute`, which fills the store, and `view`, which reads it.

Flow: survey -> **panels** -> store -> pages. `compute` may import torch, inside the function;
`view` may not, since pages are rendered on machines that have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from lamella.facts import LayerFacts
from lamella.figures import Figure
from lamella.store import Shard
from lamella.units import Layer

if TYPE_CHECKING:
    from lamella.job import Job


class Settings(BaseModel):
    """What `[panels.<name>]` in atlas.toml may set: each field carries its default and its doc."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Panel:
    """One analysis.

    Attributes:
        name: under which it is stored, chosen on the command line and anchored on the page.
        title: its heading.
        about: one sentence for the reader, below the heading.
        version: raised when its result changes for the same settings.
        needs: names of the panels whose results it reads.
        uses_images: whether its result depends on the images.
        per: "unit" for shards of a layer's channels; "network" for one of all layers at once.
        settings: the options that a user may set.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str] = ""
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()
    uses_images: ClassVar[bool] = False
    per: ClassVar[str] = "unit"
    settings: ClassVar[type[Settings]] = Settings

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        """Yield shards of these channels of a layer as they finish."""
        raise NotImplementedError

    def compute_network(self, job: Job) -> Iterator[Shard]:
        """Yield the shards of a panel that is `per` network."""
        raise NotImplementedError

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        """What the page of one unit shows; () leaves the section out."""
        return ()

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        """What the page of the layer shows; () leaves the section out."""
        return ()
