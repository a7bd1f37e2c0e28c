"""Several pictures per unit, made to differ, for units whose photographs are of several kinds.

Flow: job + facets -> diverse_batch -> **diversity** -> store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lamella.analyses.facets.stored import LayerFacets
from lamella.analyses.feature_visualization.compute import recipes_of
from lamella.analyses.feature_visualization.diverse_batch import Group, groups
from lamella.analyses.feature_visualization.settings import DiversityOptions
from lamella.analyses.feature_visualization.stored import DIVERSITY
from lamella.config.planes import Planes
from lamella.engines.local import places
from lamella.engines.memory import MOST
from lamella.figures.encoding import encode
from lamella.network.units import Layer
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job


def shards(job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]) -> Iterator[tuple[Layer, Shard]]:
    """Pictures of the units that need several; of the others, that they need none.

    A unit whose facets are still to be found is left to do.
    """
    options: DiversityOptions = job.settings
    layers = {layer.name: layer for layer, _ in todo}
    facets = {layer.name: LayerFacets.of(job.atlas.layer(layer)) for layer, _ in todo}
    todo = [
        (layer, [channel for channel in channels if own.present[channel]])
        for layer, channels in todo
        if (own := facets[layer.name])
    ]
    split = {name: own.clearly_several for name, own in facets.items() if own}
    todo = [(layer, channels) for layer, channels in todo if channels]
    wanted = {
        layer.name: [c for c in channels if options.units == "all" or split[layer.name][c]]
        for layer, channels in todo
    }
    for layer, channels in todo:  # the others are done at once: they need no more pictures
        rest = sorted(set(channels) - set(wanted[layer.name]))
        if rest:
            yield layer, Shard(tuple(rest), numbers={"split": np.zeros(len(rest), np.uint8)})
            job.tick(len(rest))
    recipes = recipes_of(
        job, [layer for layer, _ in todo if wanted[layer.name]], steps=options.steps
    )
    batch = MOST["cuda" if job.model.device.type == "cuda" else "cpu"]
    for group in groups(
        places(job.model),
        recipes,
        dict.fromkeys(recipes, batch),
        [(name, channels) for name, channels in wanted.items() if channels],
        number=options.pictures,
        weight=options.weight,
        seed=job.seed,
    ):
        flags = split[group.layer][list(group.channels)].astype(np.uint8)
        yield layers[group.layer], _shard(group, flags, options, job.model.planes)
        job.tick(len(group.channels))


def _shard(group: Group, split: np.ndarray, options: DiversityOptions, planes: Planes) -> Shard:
    """The pictures of some units, one sheet per unit, side by side."""
    units, number = len(group.channels), group.number
    if group.batch is None:
        return Shard(group.channels, numbers={"split": split})
    images = group.batch.made.images[: units * number]
    size = images.shape[-1]
    pixels = planes.picture(images.permute(0, 2, 3, 1).numpy())
    rows = pixels.reshape(units, number, size, size, 3).transpose(0, 2, 1, 3, 4)
    sheets = [
        Image.fromarray(row.reshape(size, number * size, 3)) for row in np.ascontiguousarray(rows)
    ]
    activation = group.batch.measured.activation[: units * number].view(units, number).numpy()
    return Shard(
        group.channels,
        numbers={"split": split, "activation": activation.astype(np.float32)},
        pictures={
            DIVERSITY: [
                b"" if channel in group.failed else encode(sheet, options.quality)
                for channel, sheet in zip(group.channels, sheets, strict=True)
            ]
        },
        sheets={DIVERSITY: Sheet(size, size, number, 1)},
        made={"pictures": number, "weight": options.weight, "steps": options.steps, "size": size},
    )
