"""One image through the network: the activation maps of every layer, and who answers most.

What is computed is in `lamella.walking`; this file chooses, stores and shows it. The maps of the
first layers show the photograph itself: all of it is for atlases that publish whole photographs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from lamella.analyses.activation_statistics.stored import along
from lamella.analyses.layer_activations.choice import WHERE, answer_to, telling
from lamella.analyses.layer_activations.stored import CELL, CELLS, HEAT, MAPS, PANEL, PHOTOGRAPH
from lamella.analyses.layer_activations.view import Page
from lamella.analyses.panel import Panel, Settings
from lamella.figures.article import Article
from lamella.figures.encoding import encode
from lamella.store.facts import Atlas
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job
    from lamella.analyses.layer_activations.choice import Answer

TOP = 5  # outputs that are shown
CHOSEN = "chosen"  # the document beside the shards


class Options(Settings):
    """`[panels.layer_activations]`."""

    images: list[str] | None = Field(
        None,
        description="Photographs by their path in the folder or their id; without it three that "
        "the network is sure of, with different answers.",
    )
    side: int = Field(
        112, ge=8, le=512, description="Longest side of a map in pixels; larger ones are reduced."
    )
    quality: int = Field(80, ge=1, le=100, description="Quality of the WebP photographs.")


class LayerActivations(Panel):
    """A shard per image. Its `channels` number the image's photograph and then its layers."""

    name = PANEL
    formerly = ("walk",)
    title = "Layer-by-layer activations"
    about = (
        "The activation maps of every layer for some photographs, and the units that answer most."
    )
    needs = ("survey",)
    shows = ("activation_statistics",)
    uses_images = True
    shows_photographs = True
    per = "network"
    entries = "pictures"
    settings = Options

    def check(self, job: Job) -> None:
        options: Options = job.settings
        job.images.named(options.images or (), WHERE)

    def wanted(self, job: Job) -> list[int]:
        if job.atlas.publish != "whole":
            return []
        return list(range(len(_images(job)) * _stride(job.atlas)))

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        images, stride = _images(job), _stride(job.atlas)
        for place in sorted({entry // stride for entry in missing}):
            first = place * stride
            yield _shard(job, images[place], range(first, first + stride))

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        if self.name not in atlas.keys or atlas.publish != "whole":
            return ()
        done = atlas.store.folder(self.name, atlas.keys[self.name]).done()
        if not done:
            return ()
        stored = atlas.whole(self.name, max(done) + 1)
        usual = {one.name: one.active for one in along(atlas)}
        starts = range(0, max(done) + 1, _stride(atlas))
        pages = (Page(atlas, stored, first, usual) for first in starts if first in done)
        return tuple(page.article() for page in pages)


def _stride(atlas: Atlas) -> int:
    """Entries of one image: its photograph, and its layers."""
    return 1 + len(atlas.network.layers)


def _images(job: Job) -> list[int]:
    """The numbers of the images that walk; those that were chosen are chosen once."""
    options: Options = job.settings
    if options.images is not None:
        return job.images.named(options.images, WHERE)
    known = job.recall(CHOSEN)
    if known is None:
        known = {"images": telling(job)}
        job.remember(CHOSEN, known)
    return [int(number) for number in known["images"]]


def _shard(job: Job, image: int, entries: range) -> Shard:
    """Everything of one image."""
    import torch

    from lamella.analyses.layer_activations.compute import arrays, walk

    options: Options = job.settings
    pixels = job.images.pixels(image)
    steps = walk(job.model, job.atlas, pixels, options.side, lambda: job.tick(1))
    names = [layer.name for layer in job.atlas.network.layers]
    numbers = {
        # The photograph's own row comes first, and has none of the layers' numbers.
        name: np.concatenate([np.zeros_like(array[:1]), array])
        for name, array in arrays(steps, names).items()
    }
    numbers["image"] = np.full(len(entries), image, np.int32)
    told = _told(answer_to(job.model, pixels), len(job.model.facts.classes))
    numbers |= {name: np.repeat(array[None], len(entries), 0) for name, array in told.items()}
    job.tick(1)
    each = [steps[name] for name in names]
    return Shard(
        tuple(entries),
        numbers,
        {
            PHOTOGRAPH: [encode(Image.fromarray(pixels), options.quality), *[b""] * len(each)],
            MAPS: [b"", *(one.maps for one in each)],
            HEAT: [b"", *(one.heat for one in each)],
        },
        {HEAT: Sheet(CELL, CELL, CELLS, 1)},
        {"torch": torch.__version__, "device": job.model.device.type},
    )


def _told(answer: Answer | None, classes: int) -> dict[str, NDArray[np.generic]]:
    """The strongest outputs: probabilities where they are classes that have names, else values."""
    output, value = np.full(TOP, -1, np.int32), np.zeros(TOP, np.float32)
    named = answer is not None and len(answer.values) == classes
    if answer is not None:
        values = answer.probabilities if named else answer.values
        order = np.argsort(-values, kind="stable")[:TOP]
        output[: len(order)], value[: len(order)] = order, values[order]
    return {"output": output, "value": value, "named": np.array(named)}
