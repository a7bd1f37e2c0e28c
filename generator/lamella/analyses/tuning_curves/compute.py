"""Shards of units' responses: all stimuli pass once, for all layers together.

Flow: families + passes -> **compute** -> store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch

from lamella.analyses.tuning_curves.families import families
from lamella.analyses.tuning_curves.passes import BATCH, responses
from lamella.network.units import Layer
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job

SHARD = 256


def shards(job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]) -> Iterator[tuple[Layer, Shard]]:
    """The responses of these channels of some layers, to every stimulus."""
    by_name = families(job.model.facts.size)
    units, ticked = sum(len(channels) for _, channels in todo), 0

    def tick(done: int, total: int) -> None:
        nonlocal ticked
        reached = units * done // total
        job.tick(reached - ticked)
        ticked = reached

    found = responses(job.model, [layer for layer, _ in todo], by_name, tick)
    made = {
        "stimuli": sum(family.count for family in by_name.values()),
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
