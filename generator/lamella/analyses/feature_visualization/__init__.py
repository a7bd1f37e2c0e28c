"""What each unit looks for: images that excite it, or silence it, found by gradient ascent.

Source: Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017,
doi:10.23915/distill.00007. The ascent itself is `lamella.optvis`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from lamella.analyses.feature_visualization import view
from lamella.analyses.feature_visualization.settings import DiversityOptions, Options
from lamella.analyses.feature_visualization.stored import (
    DIVERSITY,
    MINIMIZING,
    PANEL,
    visualizations,
)
from lamella.analyses.panel import Panel
from lamella.figures import Figure
from lamella.network.units import Layer
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job

Todo = Sequence[tuple[Layer, Sequence[int]]]


class FeatureVisualization(Panel):
    """One picture per unit, its thumbnail, and how strongly the unit answers to it."""

    name = PANEL
    title = "Feature visualization"
    about = (
        "An image made by gradient ascent to excite this unit. Compare it with the photographs: "
        "they show what the unit answers to in practice."
    )
    version = 3
    needs = ("survey",)
    uses_seed = True
    shows_photographs = False
    slow = True
    settings = Options

    def compute_layers(self, job: Job, todo: Todo) -> Iterator[tuple[Layer, Shard]]:
        from lamella.analyses.feature_visualization.compute import shards

        return shards(job, todo)

    def seconds_per_unit(self, job: Job, layer: Layer) -> float:
        from lamella.analyses.feature_visualization.estimate import seconds_per_unit

        return seconds_per_unit(job, layer)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return view.visualization_figures(facts, channel)

    def columns(self, facts: LayerFacts) -> Mapping[str, NDArray[Any]]:
        return {"visualization": visualizations(facts).activation}


class Diversity(Panel):
    """Several pictures on one sheet, for the units that need them: what `facets` found decides.

    One picture of a unit that answers to two things shows one of them, or a mixture. Source: Olah,
    Mordvintsev and Schubert 2017, section "Diversity".
    """

    name = DIVERSITY
    title = "Diversity"
    about = (
        "Made together by gradient ascent, each to excite the unit, and all to differ: what they "
        "share is what the unit asks for, what differs is what it admits."
    )
    version = 4
    needs = ("survey", "facets")
    uses_images = True
    uses_seed = True
    shows_photographs = False
    slow = True
    settings = DiversityOptions

    def compute_layers(self, job: Job, todo: Todo) -> Iterator[tuple[Layer, Shard]]:
        from lamella.analyses.feature_visualization.diversity import shards

        return shards(job, todo)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return view.diversity_figures(facts, channel)


class Minimizing(Panel):
    """One picture per unit of a signed layer; nothing for the others.

    A layer without an activation function behind it, or with one that lets negative values
    through, says as much by a negative value as by a positive one. Source: Olah, Mordvintsev and
    Schubert 2017, "The Spectrum": negative neurons.
    """

    name = MINIMIZING
    formerly = ("negative",)
    title = "Minimizing visualization"
    about = (
        "An image made to drive this unit as far below zero as it goes: the opposite of what it "
        "looks for. Only layers whose values may be negative have such pictures."
    )
    needs = ("survey",)
    uses_seed = True
    shows_photographs = False
    slow = True
    settings = Options

    def compute_layers(self, job: Job, todo: Todo) -> Iterator[tuple[Layer, Shard]]:
        from lamella.analyses.feature_visualization.compute import minimizing_shards

        return minimizing_shards(job, todo)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return view.minimizing_figures(facts, channel)
