"""What each unit looks for: an image that excites it, found by gradient ascent.

Source: Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017,
doi:10.23915/distill.00007. The engine is `lamella.optvis`, the attempts and measures are those of
`lamella.ascents`; this file stores what comes out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from lamella.facts import LayerFacts
from lamella.figures import Figure, Gallery, Tile
from lamella.panels.base import Panel, Settings
from lamella.panels.pictures import best_patch, failure, provenance, shard_of
from lamella.store import Shard
from lamella.units import Layer, Unit

if TYPE_CHECKING:
    from lamella.job import Job


class Options(Settings):
    """`[panels.feature_visualization]`."""

    steps: int = Field(64, ge=1, description="Steps of ascent: 64 is a preview, 512 usual.")
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
    quality: int = Field(90, ge=1, le=100, description="Quality of the WebP pictures.")


class FeatureVisualization(Panel):
    """One picture per unit, its thumbnail, and how strongly the unit answers to it."""

    name: ClassVar[str] = "feature_visualization"
    title: ClassVar[str] = "Feature visualization"
    about: ClassVar[str] = (
        "An image made by gradient ascent to excite this unit. Compare it with the photographs: "
        "they show what the unit answers to in practice."
    )
    version: ClassVar[int] = 3
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
        layers = {layer.name: layer for layer, _ in todo}
        recipes = {
            name: Recipe.of(
                job.model,
                layer,
                job.atlas.layer(layer).of("survey").numbers,
                steps=options.steps,
                size=options.size,
            )
            for name, layer in layers.items()
        }
        # Written down when first found: pictures are the same bytes for equal batches only.
        known: dict[str, int] = job.recall("batches") or {}
        batches = (dict.fromkeys(layers, options.batch) if options.batch else {}) | known
        campaign = Campaign(
            places(job.model),
            recipes,
            batches,
            seed=job.seed,
            best=lambda unit, size: best_patch(job, layers[unit.layer], unit.channel, size),
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
                    yield layer, shard_of(finished.pictures, recipe, options.quality, made, pool)
                if finished.failed:
                    yield layer, failure(finished, recipe, made)
                job.tick(len(finished.pictures) + len(finished.failed))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        unit = Unit(facts.layer.name, channel)
        own = facts.of(self.name)
        if own.present[channel] and own["failed"][channel]:
            return (Gallery("", (), note=f"{FAILED} {own.made.get('failed', '')}"),)
        picture = facts.picture(self.name, "picture", channel, f"Feature visualization of {unit}")
        if picture is None:
            return ()
        activation = float(own["activation"][channel])
        told = f"activation {activation:.4g}"
        maximum = facts.maximum(channel)
        if maximum is not None and maximum > 0:
            told += f", {activation / maximum:.1f} times the photographs' maximum"
        note = SILENT if facts.silent(channel) else ""
        if own["dead"][channel]:
            note = DEAD
        return (Gallery("", (Tile(picture, told),), note=note, size="large"),)


SILENT = "No photograph of the set excites this unit; only a picture made for it can."
DEAD = (
    "Dead: four ascents, one of them from the spectrum of its best photograph and past shut ReLUs, "
    "did not bring this unit above zero. The picture is what the last of them left."
)
FAILED = "There is no picture of this unit:"
