"""What each unit looks for: an image that excites it, found by gradient ascent.

Source: Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017,
doi:10.23915/distill.00007. The engine is `lamella.optvis`, the attempts and measures are those of
`lamella.ascents`; this file stores what comes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lamella.analyses.feature_visualization.compute import Batches, pictures_of
from lamella.analyses.panel import Panel
from lamella.figures import Figure, Gallery, Tile
from lamella.figures.published import unit_picture
from lamella.network.units import Layer, Unit
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class FeatureVisualization(Panel):
    """One picture per unit, its thumbnail, and how strongly the unit answers to it."""

    name = "feature_visualization"
    title = "Feature visualization"
    about = (
        "An image made by gradient ascent to excite this unit. Compare it with the photographs: "
        "they show what the unit answers to in practice."
    )
    version = 3
    needs = ("survey",)
    uses_seed = True
    slow = True
    settings = Batches

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        return pictures_of(job, todo, job.settings)

    def seconds_per_unit(self, job: Job, layer: Layer) -> float:
        from lamella.analyses.feature_visualization.estimate import seconds_per_unit

        return seconds_per_unit(job, layer)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        unit = Unit(facts.layer.name, channel)
        own = facts.of(self.name)
        if own.present[channel] and own["failed"][channel]:
            return (Gallery("", (), note=f"{FAILED} {own.made.get('failed', '')}"),)
        picture = unit_picture(
            facts, self.name, "picture", channel, f"Feature visualization of {unit}"
        )
        if picture is None:
            return ()
        activation = float(own["activation"][channel])
        told = f"activation {activation:.4g}"
        maximum = facts.maximum(channel)
        if maximum is not None and maximum > 0:
            told += f", {activation / maximum:.1f} times the photographs' maximum"
        note = SILENT if facts.silent(channel) else ""
        if own["dead"][channel]:
            note = DEAD
        return (Gallery("", (Tile(picture, told),), note=note, size="large"),)


SILENT = "No photograph of the set excites this unit; only a picture made for it can."
DEAD = (
    "Dead: four ascents, one of them from the spectrum of its best photograph and past shut ReLUs, "
    "did not bring this unit above zero. The picture is what the last of them left."
)
FAILED = "There is no picture of this unit:"
