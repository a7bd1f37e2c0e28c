"""What the network looked at: single images, their first answers, every attribution method.

What is computed is in `lamella.deciding`; this file chooses, stores and shows it. The maps of
gradients show the outlines of the photograph: all of it is for atlases that publish whole
photographs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from lamella.analyses.attribution_maps.choice import WHERE, best, unique
from lamella.analyses.attribution_maps.facts import known
from lamella.analyses.attribution_maps.index import index
from lamella.analyses.attribution_maps.stored import CHOSEN, METHODS, PANEL
from lamella.analyses.attribution_maps.view import Page
from lamella.analyses.panel import Panel, Settings
from lamella.analyses.predictions.stored import absent
from lamella.errors import ConfigError, LamellaError
from lamella.figures.article import Article
from lamella.store.facts import Atlas
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job
    from lamella.attribution.run import Options as Methods

USUAL = 3 / 14  # of the image's side: 48 of 224 pixels


class Options(Settings):
    """`[panels.attribution_maps]`."""

    images: list[str] = Field(
        [], description="Photographs that have a page, by their path in the folder or their id."
    )
    examples: int = Field(
        1,
        ge=0,
        le=12,
        description="Besides them, so many photographs of each class that is a first answer: those "
        "that are most probably of it.",
    )
    most: int = Field(
        32,
        ge=0,
        description="At most so many of these, those of the classes of which it is surest first.",
    )
    explained: int = Field(3, ge=1, le=5, description="For how many of the first answers.")
    patch: int | None = Field(
        None,
        ge=1,
        description="Side of the mask of the occlusion maps, in pixels; without it three "
        "fourteenths of the image, 48 of 224.",
    )
    stride: int | None = Field(
        None,
        ge=1,
        description="By how many pixels that mask moves; without it a third of its side.",
    )
    steps: int = Field(24, ge=1, le=1000, description="Steps of integrated gradients.")
    layer: str = Field(
        "", description="The layer of Grad-CAM; without it the last one that has positions."
    )
    quality: int = Field(80, ge=1, le=100, description="Quality of the WebP photographs.")


class AttributionMaps(Panel):
    """A shard per image; entries number the images that were chosen."""

    name = PANEL
    formerly = ("decisions",)
    title = "Attribution maps"
    about = (
        "Single photographs, the network's first answers to them, and what these rest on, by "
        "several methods side by side."
    )
    needs = ("predictions",)
    shows = ("classes", "layer_activations", "sanity_checks")
    uses_images = True
    shows_photographs = True
    per = "network"
    entries = "photographs"
    settings = Options

    def check(self, job: Job) -> None:
        from lamella.attribution.occlusion import grid
        from lamella.attribution.target_layers import place_of

        options: Options = job.settings
        if job.images.named(options.images, WHERE) and (why := absent(job.atlas)):
            raise ConfigError(f"{WHERE}: {why}", "Leave this key out: there is nothing to show.")
        told = methods(job)
        try:
            grid(job.model.facts.size, told.patch, told.stride)
            if options.layer:
                place_of(job.model, options.layer)
        except LamellaError as error:
            raise ConfigError(f"[panels.attribution_maps] {error.problem}", error.remedy) from error

    def wanted(self, job: Job) -> list[int]:
        if job.atlas.publish != "whole" or absent(job.atlas):
            return []
        chosen = _chosen(job)
        if job.recall(CHOSEN) != chosen:
            job.remember(CHOSEN, chosen)
        return list(range(len(chosen)))

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.attribution_maps.compute import BATCH, shards

        options: Options = job.settings
        chosen, told = _chosen(job), methods(job)
        job.remember(METHODS, had := _found(job))
        size = BATCH.get(job.model.device.type, BATCH["cpu"])
        for first in range(0, len(missing), size):
            run = missing[first : first + size]
            images = [chosen[entry] for entry in run]
            pixels = [job.images.pixels(image) for image in images]
            yield from shards(
                job.model,
                pixels,
                images,
                run,
                had["names"],
                options.explained,
                told,
                options.quality,
            )
            job.tick(len(run))

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        read = known(atlas)
        if read is None:
            return ()
        return (index(read), *(Page(read, image).article() for image in read.done))


def methods(job: Job) -> Methods:
    """What the methods are told, with what is usual where the user says nothing."""
    from lamella.attribution.run import Options as Methods

    options: Options = job.settings
    patch = options.patch or max(1, round(USUAL * min(job.model.facts.size)))
    stride = options.stride or max(1, patch // 3)
    return Methods(patch=patch, stride=stride, steps=options.steps, layer=options.layer)


def _found(job: Job) -> dict[str, Any]:
    """The methods that the network has, as the pages tell them."""
    from lamella.attribution.run import defined
    from lamella.attribution.target_layers import place_of

    names, reasons = defined(job.model)
    weighed = place_of(job.model, job.settings.layer).about if "gradcam" in names else ""
    carried = weighed.partition(", wh")[0].replace(",", "").split()
    layers = [name for name in job.model.traced if name in carried]
    return {"names": names, "missing": reasons, "weighed": weighed, "layers": layers}


def _chosen(job: Job) -> list[int]:
    """The numbers of the images that have a page."""
    options: Options = job.settings
    named = job.images.named(options.images, WHERE)
    return unique(job.atlas, [*named, *best(job.atlas, options.examples, options.most)])
