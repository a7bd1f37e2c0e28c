"""One picture per unit: from the units that are asked for to shards of pictures.

Flow: job + recipe -> campaign -> **compute** -> store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lamella.analyses.feature_visualization.campaign import Campaign
from lamella.analyses.feature_visualization.recipe import Recipe
from lamella.analyses.feature_visualization.settings import Options
from lamella.analyses.feature_visualization.shards import best_patch, failure, provenance, shard_of
from lamella.engines.local import places
from lamella.network.units import Layer
from lamella.store.gathering import PanelFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


def recipes_of(
    job: Job,
    layers: Iterable[Layer],
    *,
    steps: int,
    size: int | None = None,
    negative: bool = False,
) -> dict[str, Recipe]:
    """The recipe of each layer, by what the survey knows of it.

    Raises:
        LamellaError: a layer cannot be visualized; so the user hears of it before hours of work.
    """
    return {
        layer.name: Recipe.of(
            job.model,
            layer,
            job.atlas.layer(layer).of("survey").numbers,
            steps=steps,
            size=size,
            negative=negative,
        )
        for layer in layers
    }


def shards(
    job: Job, todo: Sequence[tuple[Layer, Sequence[int]]], *, negative: bool = False
) -> Iterator[tuple[Layer, Shard]]:
    """One picture per unit, with as many attempts as it needs; see `Campaign`.

    Args:
        negative: whether they lower the activation in place of raising it.
    """
    options: Options = job.settings
    layers = {layer.name: layer for layer, _ in todo}
    recipes = recipes_of(
        job, layers.values(), steps=options.steps, size=options.size, negative=negative
    )
    # Written down when first found: pictures are the same bytes for equal batches only.
    recorded: dict[str, int] = job.recall("batches") or {}
    batches = (dict.fromkeys(layers, options.batch) if options.batch else {}) | recorded

    @lru_cache(maxsize=4)  # units that are tried again come layer by layer
    def survey(layer: str) -> PanelFacts:
        return job.atlas.layer(layers[layer]).of("survey")

    campaign = Campaign(
        places(job.model),
        recipes,
        batches,
        seed=job.seed,
        best=lambda unit, size: best_patch(job, layers[unit.layer], survey(unit.layer), unit, size),
        memory=options.memory,
    )
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for finished in campaign.run([(layer.name, channels) for layer, channels in todo]):
            if batches != recorded:
                job.remember("batches", batches)
                recorded = dict(batches)
            layer, recipe = layers[finished.layer], recipes[finished.layer]
            made = provenance(job, recipe, finished.batch, options.steps)
            if finished.pictures:
                quality, planes = options.quality, job.model.planes
                yield layer, shard_of(finished.pictures, recipe, quality, made, pool, planes)
            if finished.failed:
                yield layer, failure(finished, recipe, made)
            job.tick(len(finished.pictures) + len(finished.failed))


def minimizing_shards(
    job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
) -> Iterator[tuple[Layer, Shard]]:
    """One picture per unit of signed layers; of the others, that there is none."""
    for layer, channels in todo:
        if not layer.signed:
            none = np.ones(len(channels), np.uint8)
            yield layer, Shard(tuple(channels), numbers={"none": none})
            job.tick(len(channels))
    signed = [(layer, channels) for layer, channels in todo if layer.signed]
    if signed:
        yield from shards(job, signed, negative=True)
