"""The weights of each unit as pictures.

First layer: the kernels themselves, in colour. Deeper layers: the channels behind it with the
strongest positive and negative weights, each with its kernel as a heat map (Cammarata et al. 2020,
doi:10.23915/distill.00024; Voss et al. 2021, doi:10.23915/distill.00024.007).
Weights are as stored in the file: a batch norm behind the layer rescales them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from lamella.analyses.panel import Panel, Settings
from lamella.analyses.weights.stored import PANEL
from lamella.analyses.weights.view import layer_figures, unit_figures
from lamella.figures import Figure
from lamella.network.units import Layer
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Options(Settings):
    """`[panels.weights]`."""

    shown: int = Field(6, ge=1, le=32, description="Strongest inputs shown, of each sign.")


class Weights(Panel):
    """What each unit's kernel is made of."""

    name = PANEL
    title = "Weights"
    about = ""
    shows_photographs = False
    settings = Options

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        from lamella.analyses.weights.compute import shards

        return shards(job, layer, channels)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return unit_figures(facts, channel)

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        return layer_figures(facts)
