"""Made pictures on their way into the store: what is measured, stated and encoded of each.

Flow: campaign -> **shards** -> compute -> store.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from lamella.analyses.feature_visualization.campaign import Candidate, Finished
from lamella.analyses.feature_visualization.recipe import Recipe
from lamella.analyses.feature_visualization.stored import (
    MINIMIZING,
    NUMBERS,
    PICTURE,
    THUMB,
    numbers_of,
)
from lamella.config.planes import Planes
from lamella.figures.encoding import encode
from lamella.figures.published import THUMBNAIL
from lamella.network.units import Layer, Unit
from lamella.store.gathering import PanelFacts
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job


def best_patch(
    job: Job, layer: Layer, survey: PanelFacts, unit: Unit, size: int
) -> torch.Tensor | None:
    """The part of a photograph that excites a unit most, `(plane, size, size)` in [0, 1].

    A square around the middle of what the unit sees, at the photograph's own scale.
    """
    image = int(survey["top_image"][unit.channel, 0])
    if image < 0:
        return None
    values = job.images.values(image)
    height, width = values.shape[:2]
    row, column = (int(survey[name][unit.channel, 0]) for name in ("top_row", "top_column"))
    box = layer.box(row, column, height, width)
    top, left = (
        max(0, min(first + extent // 2 - size // 2, whole - size))
        for first, extent, whole in ((box.top, box.height, height), (box.left, box.width, width))
    )
    patch = job.model.shown(values[None, top : top + size, left : left + size]).cpu()
    if patch.shape[2:] != (size, size):
        patch = F.interpolate(patch, (size, size), mode="bilinear", antialias=True)
    return patch[0]


def provenance(job: Job, recipe: Recipe, batch: int, steps: int) -> dict[str, Any]:
    """What a page states of how its picture was made."""
    device = job.model.device.type
    network, layer = job.model.facts, recipe.layer
    last = layer.name == network.layers[-1].name and len(network.classes) == layer.channels
    objective = recipe.objective([0]).description
    return {
        "objective": f"class logit, {objective}" if last else objective,
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
    planes: Planes,
) -> Shard:
    """The pictures of some units of a layer, encoded, and what was measured of them.

    A thumbnail of each, too, where they are the unit's main picture.
    """

    def dead(each: Candidate) -> bool:
        """Nothing changes the unit, or nothing that was tried brings it above zero."""
        silent = not recipe.layer.signed and float(each.batch.measured.activation[each.row]) <= 0
        return bool(each.batch.made.dead[each.row]) or silent

    name = MINIMIZING if recipe.negative else PICTURE
    images = [
        Image.fromarray(planes.picture(each.image.permute(1, 2, 0).numpy())) for each in pictures
    ]
    thumbs = [] if recipe.negative else [i.resize((THUMBNAIL, THUMBNAIL)) for i in images]
    encoded = list(pool.map(lambda image: encode(image, quality), [*images, *thumbs]))
    named = {name: encoded[: len(images)]}
    sheets = {name: Sheet(recipe.size, recipe.size)}
    if thumbs:
        named[THUMB] = encoded[len(images) :]
        sheets[THUMB] = Sheet(THUMBNAIL, THUMBNAIL)
    measured = {
        what: [getattr(each.batch.measured, what)[each.row] for each in pictures]
        for what in ("activation", "mean", "rank", "contrast")
    }
    return Shard(
        tuple(each.channel for each in pictures),
        numbers=numbers_of(
            {
                **measured,
                "dead": [dead(each) for each in pictures],
                "failed": [False] * len(pictures),
                "tries": [each.tries for each in pictures],
                "attempt": [each.attempt for each in pictures],
                "kept_step": [each.batch.made.step[each.row] for each in pictures],
            },
            np.stack([each.batch.made.curve[each.row].numpy() for each in pictures]),
        ),
        pictures=named,
        sheets=sheets,
        made=made,
    )


def failure(finished: Finished, recipe: Recipe, made: dict[str, Any]) -> Shard:
    """Units that have no picture, so that a run goes on and the report lists them."""
    count = len(finished.failed)
    ones = {"failed", "tries", "attempt"}
    return Shard(
        finished.failed,
        numbers=numbers_of(
            {name: [int(name in ones)] * count for name in NUMBERS},
            np.zeros((count, recipe.settings.steps), np.float32),
        ),
        made={**made, "failed": finished.problem},
    )
