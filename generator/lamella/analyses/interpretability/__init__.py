"""Does the picture explain the unit? Two answers that need no people.

The machine interpretability score (Zimmermann, Klindt and Brendel, NeurIPS 2024): can the picture
tell photographs that excite the unit from those that do not? See `score`. The similarity of the
path (Geirhos et al., ICML 2024): does the network treat the picture as it treats those
photographs? See `path_similarity`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from lamella.analyses.interpretability.stored import PANEL
from lamella.analyses.interpretability.view import layer_figures, unit_figures
from lamella.analyses.panel import Panel, Settings, first_row
from lamella.figures import Figure
from lamella.network.units import Layer
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Options(Settings):
    """`[panels.interpretability]`."""

    tasks: int = Field(20, ge=1, description="Tasks per unit: pairs of photographs to tell apart.")
    similarity: Literal["texture", "network"] = Field(
        "texture",
        description="What judges two images alike: statistics of colour and texture, or the "
        "studied network's own layer, which favours pictures that were made with it.",
    )


class Interpretability(Panel):
    """Scores of the picture, of photographs, and of what explains nothing."""

    name = PANEL
    formerly = ("explanation",)
    title = "Interpretability"
    about = (
        "Of two photographs, one that excites the unit and one that does not, which is which? A "
        "program answers by likeness to what explains the unit; 0.5 is guessing. It is no person: "
        "it was not calibrated on people, so compare units with each other, not with published "
        "scores. People are right in 82 % of such tasks with made pictures, in 92 % with "
        "photographs (Borowski et al. 2021, arXiv:2010.12606)."
    )
    needs = ("survey", "feature_visualization")
    uses_images = True
    uses_seed = True
    shows_photographs = False
    slow = True
    settings = Options

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        from lamella.analyses.interpretability.compute import shards

        return shards(job, layer, channels)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return unit_figures(facts, channel)

    def summary(self, facts: LayerFacts, channel: int, shown: tuple[Figure, ...]) -> str:
        return first_row(shown)

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        return layer_figures(facts)
