"""A unit's photographs from the strongest to the weakest, and where in each it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from lamella.analyses.activation_spectrum.stored import MAPS, PANEL
from lamella.analyses.activation_spectrum.view import figures
from lamella.analyses.panel import Panel, Settings
from lamella.figures import Figure
from lamella.network.units import Layer
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Options(Settings):
    """`[panels.activation_spectrum]`."""

    side: int = Field(
        64, ge=16, le=256, description="Side of a map, or of a patch, on the site, in pixels."
    )
    quality: int = Field(72, ge=1, le=100, description="Quality of the WebP pictures of patches.")


class ActivationSpectrum(Panel):
    """Heat and mask of each photograph on one sheet per unit.

    Patches in their place where only those are published, and nothing where not even those are.
    """

    name = PANEL
    formerly = ("strata",)
    title = "Activation spectrum"
    about = (
        "Photographs from the whole range of the unit's answers, not only from its top. The "
        "numbers are its peak on the photograph, and the share of all photographs on which its "
        "peak is lower."
    )
    needs = ("survey", "photographs")
    uses_images = True
    uses_publish = True
    shows_photographs = True
    photographic = frozenset({MAPS})  # maps of early layers show it
    settings = Options

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        from lamella.analyses.activation_spectrum.compute import shards

        return shards(job, todo)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return figures(facts, channel)
