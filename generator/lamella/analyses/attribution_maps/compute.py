"""Every attribution method on the images that are chosen, in batches.

Flow: atlas.toml + predictions -> choice -> **compute** -> attributions -> store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lamella.analyses.attribution_maps.attributions import BATCH, batch_shards
from lamella.analyses.attribution_maps.choice import WHERE, chosen_images
from lamella.analyses.attribution_maps.settings import Options
from lamella.analyses.attribution_maps.stored import CHOSEN, METHODS
from lamella.analyses.predictions.stored import absent
from lamella.attribution.compute import Options as MethodOptions
from lamella.attribution.compute import defined
from lamella.attribution.occlusion import grid
from lamella.attribution.target_layers import layer_maps
from lamella.errors import ConfigError, LamellaError
from lamella.network.model import Model
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job

PATCH = 3 / 14  # side of occlusion's mask, in sides of the image: 48 of 224 pixels


def check(job: Job) -> None:
    """Refuse images, masks and layers that there cannot be.

    Raises:
        ConfigError: what is set cannot be done.
    """
    options: Options = job.settings
    if job.images.named(options.images, WHERE) and (why := absent(job.atlas)):
        raise ConfigError(f"{WHERE}: {why}", "Leave this key out: there is nothing to show.")
    found = method_options(options, job.model)
    try:
        grid(job.model.facts.size, found.patch, found.stride)
        if options.layer:
            layer_maps(job.model, options.layer)
    except LamellaError as error:
        raise ConfigError(f"[panels.attribution_maps] {error.problem}", error.remedy) from error


def wanted(job: Job) -> list[int]:
    """The entries of the images that are chosen, which are noted; none where they are private."""
    if job.atlas.publish != "whole" or absent(job.atlas):
        return []
    chosen = chosen_images(job)
    if job.recall(CHOSEN) != chosen:
        job.remember(CHOSEN, chosen)
    return list(range(len(chosen)))


def shards(job: Job, missing: list[int]) -> Iterator[Shard]:
    """A shard for each of these entries."""
    options: Options = job.settings
    chosen, methods = chosen_images(job), network_methods_of(job.model, options.layer)
    job.remember(METHODS, methods)
    size = BATCH.get(job.model.device.type, BATCH["cpu"])
    for first in range(0, len(missing), size):
        run = missing[first : first + size]
        images = [chosen[entry] for entry in run]
        yield from batch_shards(
            job.model,
            [job.images.values(image) for image in images],
            images,
            run,
            methods["names"],
            options.explained,
            method_options(options, job.model),
            options.quality,
        )
        job.tick(len(run))


def method_options(options: Options, model: Model) -> MethodOptions:
    """The settings of the methods, with what is usual where the user says nothing."""
    patch = options.patch or max(1, round(PATCH * min(model.facts.size)))
    stride = options.stride or max(1, patch // 3)
    return MethodOptions(patch=patch, stride=stride, steps=options.steps, layer=options.layer)


def network_methods_of(model: Model, layer: str) -> dict[str, Any]:
    """The methods that are defined for the network, as `stored.NetworkMethods` reads them.

    Args:
        layer: that of Grad-CAM; "" for the usual one.
    """
    names, reasons = defined(model)
    weighed = layer_maps(model, layer).about if "gradcam" in names else ""
    carried = weighed.partition(", wh")[0].replace(",", "").split()
    layers = [name for name in model.traced if name in carried]
    return {"names": names, "missing": reasons, "weighed": weighed, "layers": layers}
