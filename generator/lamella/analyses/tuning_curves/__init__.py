"""Tuning curves: what each unit says to generated pictures whose every property is known.

The physiologist's way to describe a neuron, on units (Cammarata et al. 2020, "Curve Detectors",
doi:10.23915/distill.00024.003; Olah et al. 2020, "An Overview of Early Vision in InceptionV1",
doi:10.23915/distill.00024.002). The stimuli are those of `families`; what they show of a unit is in
`charts` and `unit`, of a layer and the network in `overview`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lamella.analyses.panel import Panel, first_sentence
from lamella.analyses.tuning_curves.charts import unit_figures
from lamella.analyses.tuning_curves.overview import layer_figures, network_figures
from lamella.analyses.tuning_curves.stimuli_page import article
from lamella.analyses.tuning_curves.stored import PANEL, STIMULI
from lamella.figures import Figure
from lamella.figures.article import Article
from lamella.network.units import Layer
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Stimuli(Panel):
    """Pictures of the stimuli, on a page of their own."""

    name = STIMULI
    title = "Stimuli"
    about = "The generated pictures that tuning curves are measured with."
    shows_photographs = False
    per = "network"
    entries = "pictures"

    def wanted(self, job: Job) -> list[int]:
        from lamella.analyses.tuning_curves.pictures import number

        return list(range(number(job.model.facts.size)))

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.tuning_curves.pictures import shards

        return shards(job, missing)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return (article(atlas),)


class TuningCurves(Panel):
    """Shows every stimulus once, to all layers; stores one number per unit and stimulus."""

    name = PANEL
    formerly = ("tuning",)
    title = "Tuning curves"
    about = (
        "Responses to generated pictures on mid-grey, in full contrast. A response is the unit's "
        "largest activation in the middle half of the image, at positions that see nothing but "
        "image (where every position sees beyond the border: at the middle); of discs, at the "
        "middle; of gratings, the largest over four phases. Selectivity is one minus circular "
        "variance (Ringach et al. 2002, doi:10.1523/JNEUROSCI.22-13-05639.2002) of what exceeds "
        "the response to plain grey: 0 for none, "
        "1 for a single angle. Curves against lines: the contrast between the best of each, -1 "
        "where only lines excite, 1 where only curves do. Surround suppression: the share of the "
        "best disc's effect that the largest one lacks."
    )
    # Not for what that panel stores: the two change together.
    needs = (STIMULI,)
    shows_photographs = False

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        from lamella.analyses.tuning_curves.compute import shards

        return shards(job, todo)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return unit_figures(facts, channel)

    def summary(self, facts: LayerFacts, channel: int, shown: tuple[Figure, ...]) -> str:
        return first_sentence(shown)

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        return layer_figures(facts)

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        return network_figures(atlas)
