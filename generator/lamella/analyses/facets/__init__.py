"""What kinds of thing a unit's strongest photographs show: one row of patches for each.

Source: Olah et al. 2020, "Zoom In", doi:10.23915/distill.00024.001, on polysemantic neurons. How
examples are told apart, and what the score means, is said in `clusters`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.facets.clusters import APART
from lamella.analyses.facets.overview import layer_figures, network_figures
from lamella.analyses.facets.stored import PANEL, LayerFacets
from lamella.analyses.facets.view import figures
from lamella.analyses.panel import Panel, first_sentence
from lamella.figures import Figure
from lamella.network.units import Layer
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Facets(Panel):
    """Per unit the kind of each example, their number, and the polysemanticity score."""

    name = PANEL
    title = "Facets"
    about = (
        "The photographs that excite this unit most, grouped by what the other units of its layer "
        "say of them. Score 0: the groups are as alike as one is with itself; 1: as unlike "
        f"as photographs of two units picked at random. From {APART} on they count as several "
        "kinds; a unit with one kind has around 0.5. Where few photographs show what a unit looks "
        "for, the last of the 24 are strays, which look like one more kind."
    )
    needs = ("survey",)
    shows = ("dataset_examples",)
    uses_images = True
    shows_photographs = False

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        from lamella.analyses.facets.compute import shards

        return shards(job, todo)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return figures(facts, channel)

    def summary(self, facts: LayerFacts, channel: int, shown: tuple[Figure, ...]) -> str:
        return first_sentence(shown)

    def columns(self, facts: LayerFacts) -> Mapping[str, NDArray[Any]]:
        own = LayerFacets.of(facts)
        return {} if own is None else {"polysemanticity": np.where(own.scored, own.score, np.nan)}

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        return layer_figures(facts)

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        return network_figures(atlas)
