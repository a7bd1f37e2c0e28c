"""From the units that are asked for to shards of pictures: what picture panels have in common.

Flow: job -> ascents -> **making** -> store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import Field

from lamella.analyses.feature_visualization.shards import best_patch, failure, provenance, shard_of
from lamella.analyses.panel import Settings
from lamella.network.units import Layer
from lamella.store.gathering import PanelFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.feature_visualization.recipe import Recipe
    from lamella.analyses.job import Job


class Ascents(Settings):
    """How many steps a picture takes, and how it is encoded."""

    steps: int = Field(64, ge=1, description="Steps of ascent: 64 is a preview, 512 usual.")
    quality: int = Field(90, ge=1, le=100, description="Quality of the WebP pictures.")


class Batches(Ascents):
    """How large pictures are, and how many are made at once."""

    batch: int | None = Field(
        None,
        ge=1,
        description="Units per batch; without it what fits into memory, at most 16, on a GPU 256. "
        "Pictures are the same bytes for equal batches only.",
    )
    memory: float | None = Field(
        None,
        gt=0,
        description="Gigabytes that the pictures may take; without it half of the machine's "
        "memory, on a GPU four fifths of its own.",
    )
    size: int | None = Field(
        None, ge=16, description="Side of a picture in pixels; without it, by receptive field."
    )


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
        LamellaError: a layer cannot be visualized; so it is told before hours of work.
    """
    from lamella.analyses.feature_visualization.recipe import Recipe

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


def pictures_of(
    job: Job,
    todo: Sequence[tuple[Layer, Sequence[int]]],
    options: Batches,
    *,
    negative: bool = False,
    name: str = "",
) -> Iterator[tuple[Layer, Shard]]:
    """One picture per unit, with as many attempts as it needs; see `Campaign`.

    Args:
        negative: whether they lower the activation in place of raising it.
        name: of the stored pictures, where they are not the unit's main one.
    """
    from lamella.analyses.feature_visualization.campaign import Campaign
    from lamella.engines.local import places

    layers = {layer.name: layer for layer, _ in todo}
    recipes = recipes_of(
        job, layers.values(), steps=options.steps, size=options.size, negative=negative
    )
    # Written down when first found: pictures are the same bytes for equal batches only.
    known: dict[str, int] = job.recall("batches") or {}
    batches = (dict.fromkeys(layers, options.batch) if options.batch else {}) | known

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
            if batches != known:
                job.remember("batches", batches)
                known = dict(batches)
            layer, recipe = layers[finished.layer], recipes[finished.layer]
            made = provenance(job, recipe, finished.batch, options.steps)
            if finished.pictures:
                yield layer, shard_of(finished.pictures, recipe, options.quality, made, pool, name)
            if finished.failed:
                yield layer, failure(finished, recipe, made)
            job.tick(len(finished.pictures) + len(finished.failed))
