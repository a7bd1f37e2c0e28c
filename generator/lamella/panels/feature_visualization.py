"""What each unit looks for: an image that excites it, found by gradient ascent.

Source: Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017,
doi:10.23915/distill.00007. The engine is `lamella.optvis`, the attempts and measures are those of
`lamella.ascents`; this file stores what comes out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image
from pydantic import Field

from lamella.facts import THUMBNAIL, LayerFacts
from lamella.figures import Figure, Gallery, Tile
from lamella.panels.base import Panel, Settings
from lamella.panels.encoding import encode
from lamella.store import Shard, Sheet
from lamella.units import Layer, Unit

if TYPE_CHECKING:
    import torch

    from lamella.ascents.campaign import Candidate, Finished
    from lamella.ascents.recipe import Recipe
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
    version: ClassVar[int] = 2
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
        known = {} if options.batch else (job.recall("batches") or {})
        batches = dict.fromkeys(layers, options.batch) if options.batch else dict(known)
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
                if batches != known and not options.batch:
                    job.remember("batches", batches)
                    known = dict(batches)
                layer, recipe = layers[finished.layer], recipes[finished.layer]
                made = provenance(job, recipe, batches[layer.name], options.steps)
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
            note = "Dead: nothing in an image changes this unit; the picture is its random start."
        return (Gallery("", (Tile(picture, told),), note=note, size="large"),)


SILENT = "No photograph of the set excites this unit; only a picture made for it can."
FAILED = "There is no picture of this unit:"


def best_patch(job: Job, layer: Layer, channel: int, size: int) -> torch.Tensor | None:
    """The part of a photograph that excites a unit most, sRGB `(3, size, size)`.

    A square around the middle of what the unit sees, at the photograph's own scale.
    """
    import torch

    survey = job.atlas.layer(layer).of("survey")
    image = int(survey["top_image"][channel, 0])
    if image < 0:
        return None
    pixels = job.images.pixels(image)
    height, width = pixels.shape[:2]
    row, column = (int(survey[name][channel, 0]) for name in ("top_row", "top_column"))
    box = layer.box(row, column, height, width)
    top, left = (
        max(0, min(first + extent // 2 - size // 2, whole - size))
        for first, extent, whole in ((box.top, box.height, height), (box.left, box.width, width))
    )
    patch = Image.fromarray(pixels[top : top + size, left : left + size]).resize((size, size))
    return torch.from_numpy(np.array(patch)).permute(2, 0, 1).float() / 255


def provenance(job: Job, recipe: Recipe, batch: int, steps: int) -> dict[str, Any]:
    """What a page states of how its picture was made."""
    import torch

    device = job.model.device.type
    return {
        "objective": recipe.objective([0]).description,
        "steps": steps,
        "learning rate": round(recipe.settings.learning_rate, 4),
        "size": recipe.size,
        "seed": job.seed,
        "batch": batch,
        "threads": 1 if device == "cpu" else torch.get_num_threads(),
        "precision": "bfloat16" if device == "cuda" else "float32",
        "torch": torch.__version__,
        "device": device,
    }


def shard_of(
    pictures: Sequence[Candidate],
    recipe: Recipe,
    quality: int,
    made: dict[str, Any],
    pool: ThreadPoolExecutor,
) -> Shard:
    """The pictures of some units of a layer, encoded, and what was measured of them."""

    def numbers(name: str, kind: type) -> np.ndarray:
        found = [getattr(each.batch.measured, name)[each.row] for each in pictures]
        return np.array(found, dtype=kind)

    images = [
        Image.fromarray((each.image.permute(1, 2, 0) * 255).round().byte().numpy())
        for each in pictures
    ]
    thumbs = [image.resize((THUMBNAIL, THUMBNAIL)) for image in images]
    encoded = list(pool.map(lambda image: encode(image, quality), [*images, *thumbs]))
    return Shard(
        tuple(each.channel for each in pictures),
        numbers={
            "activation": numbers("activation", np.float32),
            "mean": numbers("mean", np.float32),
            "rank": numbers("rank", np.int32),
            "contrast": numbers("contrast", np.float32),
            "dead": np.array([each.batch.made.dead[each.row] for each in pictures], np.uint8),
            "failed": np.zeros(len(pictures), np.uint8),
            "tries": np.array([each.tries for each in pictures], np.uint8),
            "kept_step": np.array([each.batch.made.step[each.row] for each in pictures], np.int32),
            "curve": np.stack([each.batch.made.curve[each.row].numpy() for each in pictures]),
        },
        pictures={"picture": encoded[: len(images)], "thumb": encoded[len(images) :]},
        sheets={
            "picture": Sheet(recipe.size, recipe.size),
            "thumb": Sheet(THUMBNAIL, THUMBNAIL),
        },
        made=made,
    )


def failure(finished: Finished, recipe: Recipe, made: dict[str, Any]) -> Shard:
    """Units that have no picture, so that a run goes on and the report lists them."""
    count = len(finished.failed)
    zeros = {name: np.zeros(count, np.float32) for name in ("activation", "mean", "contrast")}
    return Shard(
        finished.failed,
        numbers={
            **zeros,
            "rank": np.zeros(count, np.int32),
            "dead": np.zeros(count, np.uint8),
            "failed": np.ones(count, np.uint8),
            "tries": np.ones(count, np.uint8),
            "kept_step": np.zeros(count, np.int32),
            "curve": np.zeros((count, recipe.settings.steps), np.float32),
        },
        made={**made, "failed": finished.problem},
    )
