"""What an analysis is: one file with `compute`, which fills the store, and `view`, which reads it.

Flow: survey -> **panels** -> store -> pages. `compute` may import torch, inside the function;
`view` may not, since pages are rendered on machines that have none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from lamella.figures import Figure, Gallery, Table
from lamella.figures.article import Article
from lamella.network.units import Layer
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Settings(BaseModel):
    """What `[panels.<name>]` in atlas.toml may set: each field carries its default and its doc."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Panel:
    """One analysis.

    Attributes:
        name: under which it is stored, chosen on the command line and anchored on the page.
        formerly: names that it had in earlier versions; whoever uses one is told the new one.
        title: its heading.
        about: one sentence for the reader, below the heading.
        version: raised when its result changes for the same settings.
        needs: names of the panels whose results it reads.
        shows: names of panels whose results its pages show where these are there.
        uses_images: whether its result depends on the images.
        shows_photographs: whether its stored pictures show the images, or parts of them; each
            analysis says so itself. Those of units are published where `patches_shown`, those of
            the network with whole photographs only.
        photographic: names of pictures that show a whole photograph, or its outlines; they are
            published with whole photographs only, whatever `shows_photographs` says.
        uses_scores: whether it reads the network's output as class scores.
        uses_seed: whether it depends on the seed.
        uses_publish: whether it depends on what of the images may be shown.
        per: "unit" where shards hold channels of a layer; "network" where they are of all layers at
            once; "view" where nothing is stored, since the survey knows it already.
        slow: computed after all others, layer by layer, with the pages rendered in between.
        entries: what the entries of a panel that is `per` network are, for the progress bar.
        settings: the options that a user may set.
    """

    name: ClassVar[str]
    formerly: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str]
    about: ClassVar[str] = ""
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()
    shows: ClassVar[tuple[str, ...]] = ()
    uses_images: ClassVar[bool] = False
    per: ClassVar[str] = "unit"
    slow: ClassVar[bool] = False
    shows_photographs: ClassVar[bool]
    photographic: ClassVar[frozenset[str]] = frozenset()
    uses_scores: ClassVar[bool] = False
    uses_seed: ClassVar[bool] = False
    uses_publish: ClassVar[bool] = False
    entries: ClassVar[str] = "units"
    settings: ClassVar[type[Settings]] = Settings

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        """Yield shards of these channels of a layer as they finish."""
        raise NotImplementedError

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        """Yield shards of these channels of some layers, each with its layer, as they finish.

        Layer by layer with `compute`, unless a panel knows how to work on several at once.
        """
        for layer, channels in todo:
            for shard in self.compute(job, layer, channels):
                yield layer, shard

    def reads(self, settings: Settings) -> tuple[str, ...]:
        """On whose results its own depend, with these settings; all that it needs, as a rule."""
        return self.needs

    def keyed(self, settings: Settings, path: Callable[[str], Path]) -> Mapping[str, Any]:
        """What of the settings its results depend on; files that they name count by content.

        Args:
            path: from a path in atlas.toml to where that is.
        """
        return settings.model_dump(mode="json")

    def check(self, job: Job) -> None:
        """Refuse settings that this network or these images do not bear, before anything runs.

        Nothing is surveyed yet.

        Raises:
            LamellaError: what is set cannot be done.
        """
        return None

    def wanted(self, job: Job) -> list[int]:
        """The entries of a panel that is `per` network."""
        raise NotImplementedError

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        """Yield shards of the entries of a panel that is `per` network which are missing."""
        raise NotImplementedError

    def seconds_per_unit(self, job: Job, layer: Layer) -> float:
        """How long one unit of a layer takes here, measured in a moment; NaN where unknown."""
        return math.nan

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        """What the page of one unit shows; () leaves the section out."""
        return ()

    def summary(self, facts: LayerFacts, channel: int, shown: tuple[Figure, ...]) -> str:
        """The result for one unit in a few words, for the line that opens its section; "" for none.

        Args:
            shown: what `view` gives for it.
        """
        return ""

    def labels(self, facts: LayerFacts) -> Sequence[str]:
        """A word or two for each unit of a layer, "" for none: for its page, the grid of its layer
        and the search. () where there are none."""
        return ()

    def columns(self, facts: LayerFacts) -> Mapping[str, NDArray[Any]]:
        """Numbers of each unit of a layer, by name, for the layer's units.csv; NaN: not known."""
        return {}

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        """What the page of the layer shows; () leaves the section out."""
        return ()

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        """What the page of the whole network shows; () leaves the section out.

        It is drawn again when what this panel or the panels that it `needs` or `shows` stored of
        any layer has changed: it may read of the layers nothing else.
        """
        return ()

    def view_about(self, atlas: Atlas) -> tuple[Figure, ...]:
        """What the about page shows: how far what the atlas shows can be trusted; () leaves the
        section out. It may read what `view_network` may."""
        return ()

    def best(self, facts: LayerFacts) -> Sequence[int]:
        """The channels whose pictures stand for a layer, best first; () leaves that to others."""
        return ()

    def pages(self, atlas: Atlas) -> Mapping[int, str]:
        """Where its pages of single classes or images lie, by their numbers: other analyses' pages
        lead there by `Atlas.pages_of`."""
        return {}

    def named_pages(self, atlas: Atlas) -> Sequence[tuple[str, str]]:
        """What the search leads to beside layers and units: names, each with its page."""
        return ()

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        """Pages of their own on the whole network; they may read what `view_network` may."""
        return ()


def first_sentence(shown: Sequence[Figure]) -> str:
    """The first sentence of the first note; "" without one."""
    for figure in shown:
        note = figure.note if isinstance(figure, Gallery | Table) else ""
        if note:
            return note.partition(". ")[0].rstrip(".") + "."
    return ""


def first_row(shown: Sequence[Figure]) -> str:
    """The first row of the first table, its cells in a row; "" without one."""
    for figure in shown:
        if isinstance(figure, Table) and figure.rows:
            cells = [cell if isinstance(cell, str) else cell.text for cell in figure.rows[0]]
            return f"{cells[0]}: {', '.join(cells[1:])}" if len(cells) > 1 else cells[0]
    return ""
