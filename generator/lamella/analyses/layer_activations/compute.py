"""What is stored of each image: its photograph, its maps, its strongest units and classes.

Flow: choice + survey -> maps -> **compute** -> store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lamella.analyses.layer_activations.choice import chosen, class_scores
from lamella.analyses.layer_activations.maps import LayerMaps, maps_by_layer
from lamella.analyses.layer_activations.stored import (
    CELL,
    CELLS,
    HEAT,
    MAPS,
    OUTPUTS,
    PHOTOGRAPH,
    entries_per_image,
)
from lamella.attribution.scores import probabilities
from lamella.figures.encoding import encode
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job
    from lamella.analyses.layer_activations.settings import Options

Arrays = dict[str, NDArray[np.generic]]


def entries(job: Job) -> list[int]:
    """The entries of all images that have a page; none where photographs stay private."""
    if job.atlas.publish != "whole":
        return []
    return list(range(len(chosen(job)) * entries_per_image(job.atlas)))


def shards(job: Job, missing: Sequence[int]) -> Iterator[Shard]:
    """A shard for each image of which an entry is missing."""
    images, each = chosen(job), entries_per_image(job.atlas)
    for place in sorted({entry // each for entry in missing}):
        yield _shard(job, images[place], range(place * each, (place + 1) * each))


def _shard(job: Job, image: int, entries: range) -> Shard:
    """Everything of one image."""
    options: Options = job.settings
    pixels, values = job.images.pixels(image), job.images.values(image)
    maps = maps_by_layer(job.model, job.atlas, values, options.side, lambda: job.tick(1))
    names = [layer.name for layer in job.atlas.network.layers]
    numbers: Arrays = {
        # The photograph's own row comes first, and has none of the layers' numbers.
        name: np.concatenate([np.zeros_like(array[:1]), array])
        for name, array in _arrays(maps, names).items()
    }
    numbers["image"] = np.full(len(entries), image, np.int32)
    outputs = strongest_outputs(class_scores(job.model, values), len(job.model.facts.classes))
    numbers |= {name: np.repeat(array[None], len(entries), 0) for name, array in outputs.items()}
    job.tick(1)
    each = [maps[name] for name in names]
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


def _arrays(maps: Mapping[str, LayerMaps], names: Sequence[str]) -> Arrays:
    """What the store keeps of the layers in order, a row for each."""
    each = [maps[name] for name in names]
    return {
        "strongest": np.stack([one.strongest for one in each]),
        "peak": np.stack([one.peak for one in each]),
        "ratio": np.stack([one.ratio for one in each]),
        "answering": np.array([one.answering for one in each], np.int32),
        "dead": np.array([one.dead for one in each], np.int32),
        "layout": np.array(
            [[one.layout.columns, one.layout.enlarged, one.layout.reduced] for one in each],
            np.int32,
        ),
    }


def strongest_outputs(found: Tensor | None, classes: int) -> Arrays:
    """The strongest outputs: probabilities where they are classes that have names, else values.

    Args:
        found: of one image, `(output,)`; None for none.
        classes: how many have names.
    """
    output, value = np.full(OUTPUTS, -1, np.int32), np.zeros(OUTPUTS, np.float32)
    named = found is not None and len(found) == classes
    if found is not None:
        values = (probabilities(found[None])[0] if named else found).numpy()
        order = np.argsort(-values, kind="stable")[:OUTPUTS]
        output[: len(order)], value[: len(order)] = order, values[order]
    return {"output": output, "value": value, "named": np.array(named)}
