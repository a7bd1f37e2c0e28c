"""The clusters of units' examples, for runs of layers whose sketches fit into memory.

Flow: survey + survey/activation_vectors -> clusters -> **compute** -> store.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.facets.clusters import SAMPLED, background, clusters
from lamella.network.units import Layer
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard
from lamella.survey.activation_vectors import WIDTH, Positions, projected_vectors

if TYPE_CHECKING:
    from lamella.analyses.job import Job

HELD = 512 * 2**20  # bytes of sketches that are in memory at once
Todo = Sequence[tuple[Layer, Sequence[int]]]


def shards(job: Job, todo: Todo) -> Iterator[tuple[Layer, Shard]]:
    """The facets of these channels of some layers, a shard for each layer."""
    for run in _runs(job, todo):
        seen = {layer.name: examples(job.atlas.layer(layer)) for layer, _ in run}
        sampled = {name: sample(images) for name, (images, _, _) in seen.items()}
        wanted = {}
        for layer, channels in run:
            images, row, column = (each.astype(np.int64) for each in seen[layer.name])
            nobody = np.setdiff1d(
                np.arange(layer.channels), np.union1d(channels, sampled[layer.name])
            )
            images[nobody] = -1
            wanted[layer.name] = Positions(images, row, column)
        sketches = projected_vectors(job.model, job.images, wanted)
        for layer, channels in run:
            some = sampled[layer.name]
            yield layer, _shard(channels, sketches[layer.name], seen[layer.name][0], some)
            job.tick(len(channels))


def _runs(job: Job, todo: Todo) -> Iterator[list[tuple[Layer, Sequence[int]]]]:
    """Layers whose sketches fit into memory together: one pass over the images for each run."""
    run: list[tuple[Layer, Sequence[int]]] = []
    held = 0
    for layer, channels in todo:
        images = job.atlas.layer(layer).of("survey")["top_image"]
        size = images.size * WIDTH * 4
        if run and held + size > HELD:
            yield run
            run, held = [], 0
        run.append((layer, channels))
        held += size
    if run:
        yield run


def examples(
    facts: LayerFacts,
) -> tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.int16]]:
    """The image, row and column of all units' strongest examples, `(channel, example)` each.

    The image is -1 where there is none, and where nothing excites a unit that is never negative.
    """
    survey = facts.of("survey")
    images = survey["top_image"].copy()
    if not facts.layer.signed:
        images[survey["top_activation"] <= 0] = -1
    return images, survey["top_row"], survey["top_column"]


def sample(images: NDArray[np.int32]) -> NDArray[np.int64]:
    """Units evenly spread over a layer, of those that have examples: its background's."""
    live = np.flatnonzero((images >= 0).any(axis=1))
    at = np.linspace(0, len(live) - 1, min(SAMPLED, len(live)))
    spread: NDArray[np.int64] = live[at.round().astype(np.int64)]
    return spread


def _shard(
    channels: Sequence[int],
    sketches: NDArray[np.float32],
    images: NDArray[np.int32],
    sampled: NDArray[np.int64],
) -> Shard:
    """The facets of some units of a layer.

    Args:
        sketches: of all its units' examples, `(channel, example, width)`.
        images: -1 where there is no example, `(channel, example)`.
        sampled: the units that the background is taken from.
    """
    behind = background([sketches[channel][images[channel] >= 0] for channel in sampled])
    cluster = np.full((len(channels), images.shape[1]), -1, np.int8)
    found = []
    for at, channel in enumerate(channels):
        exists = images[channel] >= 0
        found.append(clusters(sketches[channel][exists], behind))
        cluster[at, exists] = found[-1].cluster
    return Shard(
        tuple(channels),
        numbers={
            "group": cluster,
            "facets": np.array([each.number for each in found], np.int8),
            "score": np.array([each.score for each in found], np.float32),
            "silhouette": np.array([each.silhouette for each in found], np.float32),
        },
        made={"background": None if math.isnan(behind) else round(behind, 4)},
    )
