"""The three tests of all methods, as shards that are stored when they are finished.

Flow: planning -> map_similarity, deletion, pointing_game -> **compute** -> store. Memory does
not grow with the number of images that have masks; of the randomization test's images all maps are
kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.analyses.job import Job
from lamella.analyses.sanity_checks import deletion, drawing, pointing_game
from lamella.analyses.sanity_checks.choice import AnsweredImages, answered_images, other_answers
from lamella.analyses.sanity_checks.map_similarity import TOGETHER, Reference, maps_of
from lamella.analyses.sanity_checks.masks import Masks, masks_of
from lamella.analyses.sanity_checks.planning import mask_of, options_of, plan_of
from lamella.analyses.sanity_checks.randomization import cascade, stages
from lamella.analyses.sanity_checks.stored import (
    PHOTOGRAPH,
    Plan,
    map_name,
    miss_name,
)
from lamella.numbers.rank_correlation import Maps
from lamella.store.store import Shard, Sheet


def shards(job: Job, missing: Sequence[int]) -> Iterator[Shard]:
    """Those of the entries that are missing, as they finish."""
    plan = plan_of(job)
    if todo := [entry for entry in missing if entry in plan.staged]:
        yield from _stages(job, plan, todo)
    if todo := [entry for entry in missing if entry not in plan.staged]:
        yield from _images(job, plan, todo)


def _stages(job: Job, plan: Plan, todo: Sequence[int]) -> Iterator[Shard]:
    """The randomization test: a shard for the trained network and for each stage."""
    options = options_of(job)
    found = list(answered_images(job.model, job.images, plan.images))
    shown = torch.cat([each.shown for each in found])
    classes = torch.cat([each.classes for each in found])
    reference: Reference | None = None
    for entry, model in enumerate(cascade(job.model, stages(job.model), job.seed)):
        if reference is not None and entry not in todo:
            continue
        maps = maps_of(plan.methods, model, shown, classes[:, 0], options, lenient=entry > 0)
        if reference is None:
            reference = Reference.of(maps)
        if entry not in todo:
            continue
        similarity = reference.similarity(maps)
        numbers: dict[str, NDArray[Any]] = {
            "absolute": similarity.absolute,
            "signed": similarity.signed,
            "flat": similarity.flat,
            "full": np.array(
                [
                    drawing.full_of(name, maps[name][0]) if name in maps else 0
                    for name in plan.methods
                ],
                np.float32,
            ),
        }
        pictures = {
            map_name(name): drawing.map_picture(name, each[0]) for name, each in maps.items()
        }
        if entry == 0:
            others = other_answers(classes)
            of_others = maps_of(plan.methods, model, shown, others, options)
            numbers |= {
                "other_class": reference.similarity(of_others).absolute,
                "other_image": reference.between_images(),
                "explained": classes[:, 0].numpy().astype(np.int32),
                "sureness": np.array([p for one in found for p in one.probability], np.float32),
            }
            pixels = job.images.pixels(plan.images[0])
            pictures[PHOTOGRAPH] = drawing.photograph(pixels, job.settings.quality)
        yield _shard(job, plan, entry, numbers, pictures)
        job.tick(1)


def _images(job: Job, plan: Plan, todo: Sequence[int]) -> Iterator[Shard]:
    """Deletion and insertion, and the pointing game: a shard for each image."""
    options, masks = options_of(job), masks_of(job)
    entry_of = plan.entry_of
    numbers = [number for number, entry in entry_of.items() if entry in set(todo)]
    for found in _small(answered_images(job.model, job.images, numbers)):
        maps = maps_of(plan.methods, job.model, found.shown, found.classes[:, 0], options)
        for at, number in enumerate(found.numbers):
            own = {name: each[at] for name, each in maps.items()}
            output = int(found.classes[at, 0])
            values: dict[str, NDArray[Any]] = {
                "answer": np.array(output, np.int32),
                "probability": np.array(found.probability[at], np.float32),
            }
            pictures: dict[str, bytes] = {}
            if number in plan.curves:
                values["curves"] = _curves(job, number, found.shown[at], output, own)
            if number in masks.files:
                values |= _pointed(job, masks, number, own, pictures)
            yield _shard(job, plan, entry_of[number], values, pictures)
            job.tick(1)


def _curves(
    job: Job, number: int, image: Tensor, output: int, maps: Mapping[str, Maps]
) -> NDArray[np.float32]:
    """Deletion and insertion, (way, order, share)."""
    size = (image.shape[1], image.shape[2])
    # Random orders of its own for each image, whichever come with it.
    random = np.random.default_rng([job.seed, number])
    orders = deletion.baselines(size, random) + [
        deletion.places(deletion.stretched(each, size), random) for each in maps.values()
    ]
    return deletion.curves(job.model, image, output, orders)


def _pointed(
    job: Job, masks: Masks, number: int, maps: Mapping[str, Maps], pictures: dict[str, bytes]
) -> dict[str, NDArray[Any]]:
    """The pointing game; pictures of what was missed are added to `pictures`."""
    mask = mask_of(job.images, masks, number)
    near = pointing_game.hit_region(mask)
    hits = {name: pointing_game.hit(each, near) for name, each in maps.items()}
    pixels = job.images.pixels(number)
    for name, each in maps.items():
        where = pointing_game.maxima(each)
        if hits[name] < 0.5 and len(where):
            pictures[miss_name(name)] = drawing.missed(pixels, mask, where[0], job.settings.quality)
    return {
        "hit": np.array(list(hits.values()), np.float32),
        "centre": np.array(pointing_game.centre_hit(near), np.float32),
        "chance": np.array(near.mean(), np.float32),
    }


def _small(batches: Iterable[AnsweredImages]) -> Iterator[AnsweredImages]:
    """Batches that are small enough to be explained by all methods before any is stored."""
    for each in batches:
        for first in range(0, len(each.numbers), TOGETHER):
            run = slice(first, first + TOGETHER)
            yield AnsweredImages(
                each.numbers[run], each.shown[run], each.classes[run], each.probability[run]
            )


def _shard(
    job: Job,
    plan: Plan,
    entry: int,
    numbers: Mapping[str, NDArray[Any]],
    pictures: Mapping[str, bytes],
) -> Shard:
    """One entry."""
    side = drawing.SIDE
    return Shard(
        (entry,),
        {name: value[None] for name, value in numbers.items()},
        {name: [content] for name, content in pictures.items()},
        {name: Sheet(side, side) for name in pictures},
        {**plan.made, "torch": torch.__version__, "device": job.model.device.type},
    )
