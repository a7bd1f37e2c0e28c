"""What a signed unit least wants to see: the picture that drives it furthest below zero.

A layer without an activation function behind it, or with one that lets negative values through,
says as much by a negative value as by a positive one. Source: Olah, Mordvintsev and Schubert,
Distill 2017, doi:10.23915/distill.00007, "The Spectrum": negative neurons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lamella.analyses.feature_visualization.compute import Batches, pictures_of
from lamella.analyses.panel import Panel
from lamella.figures import Figure, Gallery, Tile
from lamella.figures.published import unit_picture
from lamella.network.units import Layer, Unit
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Minimizing(Panel):
    """One picture per unit of a signed layer; nothing for the others."""

    name = "minimizing"
    formerly = ("negative",)
    title = "Minimizing visualization"
    about = (
        "An image made to drive this unit as far below zero as it goes: the opposite of what it "
        "looks for. Only layers whose values may be negative have such pictures."
    )
    needs = ("survey",)
    uses_seed = True
    slow = True
    settings = Batches

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        for layer, channels in todo:
            if not layer.signed:
                none = np.ones(len(channels), np.uint8)
                yield layer, Shard(tuple(channels), numbers={"none": none})
                job.tick(len(channels))
        signed = [(layer, channels) for layer, channels in todo if layer.signed]
        if signed:
            yield from pictures_of(job, signed, job.settings, negative=True, name="minimizing")

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        unit = Unit(facts.layer.name, channel)
        picture = unit_picture(
            facts, self.name, "minimizing", channel, f"Negative picture of {unit}"
        )
        if picture is None:
            return ()
        activation = float(facts.of(self.name)["activation"][channel])
        return (Gallery("", (Tile(picture, f"activation {activation:.4g}"),), size="large"),)
