"""Tuning curves: what each unit says to generated pictures whose every property is known.

The physiologist's way to describe a neuron, on units (Cammarata et al. 2020, "Curve Detectors",
doi:10.23915/distill.00024.003; Olah et al. 2020, "An Overview of Early Vision in InceptionV1",
doi:10.23915/distill.00024.002). The stimuli are those of `lamella.stimuli`; what they show of a
unit is in tuning_unit.py and tuning_charts.py, of a layer and the network in tuning_overview.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lamella.analyses.panel import Panel
from lamella.analyses.tuning_curves.charts import unit_figures
from lamella.analyses.tuning_curves.families import families
from lamella.analyses.tuning_curves.overview import layer_figures, network_figures
from lamella.figures import Figure
from lamella.network.units import Layer
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job

SHARD = 256


class TuningCurves(Panel):
    """Shows every stimulus once, to all layers; stores one number per unit and stimulus."""

    name = "tuning_curves"
    formerly = ("tuning",)
    title = "Tuning curves"
    about = (
        "Responses to generated pictures on mid-grey, in full contrast. A response is the unit's "
        "largest activation in the middle half of the image, at positions that see nothing but "
        "image (where every position sees beyond the border: at the middle); of discs, at the "
        "middle; of gratings, the largest over four phases. Selectivity is one minus circular "
        "variance (Ringach et al. 2002) of what exceeds the response to plain grey: 0 for none, "
        "1 for a single angle. Curves against lines: the contrast between the best of each, -1 "
        "where only lines excite, 1 where only curves do. Surround suppression: the share of the "
        "best disc's effect that the largest one lacks."
    )
    # Not for what that panel stores: the two change together.
    needs = ("stimuli",)

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        import torch

        from lamella.analyses.tuning_curves.passes import BATCH, responses

        known = families(job.model.facts.size)
        units, told = sum(len(channels) for _, channels in todo), 0

        def tick(done: int, total: int) -> None:
            nonlocal told
            reached = units * done // total
            job.tick(reached - told)
            told = reached

        found = responses(job.model, [layer for layer, _ in todo], known, tick)
        made = {
            "stimuli": sum(family.count for family in known.values()),
            "batch": BATCH,
            "torch": torch.__version__,
            "device": job.model.device.type,
        }
        for layer, channels in todo:
            of_layer = found.pop(layer.name)
            for first in range(0, len(channels), SHARD):
                run = tuple(channels[first : first + SHARD])
                numbers = {name: values[list(run)] for name, values in of_layer.items()}
                yield layer, Shard(run, numbers, made=made)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return unit_figures(facts, channel) if facts.of(self.name).present[channel] else ()

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        return layer_figures(facts) if facts.of(self.name).present.any() else ()

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        return network_figures(atlas)
