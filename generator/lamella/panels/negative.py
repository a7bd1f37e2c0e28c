"""What a signed unit least wants to see: the picture that drives it furthest below zero.

A layer without an activation function behind it, or with one that lets negative values through,
says as much by a negative value as by a positive one. Source: Olah, Mordvintsev and Schubert,
Distill 2017, doi:10.23915/distill.00007, "The Spectrum": negative neurons.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from lamella.facts import LayerFacts
from lamella.figures import Figure, Gallery, Tile
from lamella.panels.base import Panel, Settings
from lamella.panels.pictures import failure, provenance, shard_of
from lamella.store import Shard
from lamella.units import Layer, Unit

if TYPE_CHECKING:
    from lamella.job import Job


class Options(Settings):
    """`[panels.negative]`."""

    steps: int = Field(64, ge=1, description="Steps of ascent.")
    quality: int = Field(90, ge=1, le=100, description="Quality of the WebP pictures.")


class Negative(Panel):
    """One picture per unit of a signed layer; nothing for the others."""

    name: ClassVar[str] = "negative"
    title: ClassVar[str] = "Negative picture"
    about: ClassVar[str] = (
        "An image made to drive this unit as far below zero as it goes: the opposite of what it "
        "looks for. Only layers whose values may be negative have such pictures."
    )
    needs: ClassVar[tuple[str, ...]] = ("survey",)
    uses_seed: ClassVar[bool] = True
    slow: ClassVar[bool] = True
    settings: ClassVar[type[Settings]] = Options

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        from lamella.ascents.campaign import Campaign
        from lamella.ascents.recipe import Recipe
        from lamella.engines.local import places

        options: Options = job.settings
        for layer, channels in todo:
            if not layer.signed:
                yield (
                    layer,
                    Shard(tuple(channels), numbers={"none": np.ones(len(channels), np.uint8)}),
                )
                job.tick(len(channels))
        layers = {layer.name: layer for layer, _ in todo if layer.signed}
        recipes = {
            name: Recipe.of(
                job.model,
                layer,
                job.atlas.layer(layer).of("survey").numbers,
                steps=options.steps,
                negative=True,
            )
            for name, layer in layers.items()
        }
        batches: dict[str, int] = dict(job.recall("batches") or {})
        campaign = Campaign(places(job.model), recipes, batches, seed=job.seed)
        signed = [(layer.name, channels) for layer, channels in todo if layer.signed]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for finished in campaign.run(signed):
                job.remember("batches", batches)
                layer, recipe = layers[finished.layer], recipes[finished.layer]
                made = provenance(job, recipe, finished.batch, options.steps)
                if finished.pictures:
                    yield (
                        layer,
                        shard_of(
                            finished.pictures,
                            recipe,
                            options.quality,
                            made,
                            pool,
                            prefix="negative",
                        ),
                    )
                if finished.failed:
                    yield layer, failure(finished, recipe, made)
                job.tick(len(finished.pictures) + len(finished.failed))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        unit = Unit(facts.layer.name, channel)
        picture = facts.picture(self.name, "negative", channel, f"Negative picture of {unit}")
        if picture is None:
            return ()
        activation = float(facts.of(self.name)["activation"][channel])
        return (Gallery("", (Tile(picture, f"activation {activation:.4g}"),), size="large"),)
