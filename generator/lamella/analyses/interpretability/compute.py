"""The scores of the units of a layer, and how alike the paths through the network are.

Flow: survey + pictures -> comparison -> tasks, path_similarity -> **compute** -> store.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.interpretability.comparison import Comparison
from lamella.analyses.interpretability.path_similarity import PathSimilarity
from lamella.analyses.interpretability.tasks import LayerTasks
from lamella.figures.published import PICTURE
from lamella.network.units import Layer
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job

SHARD = 64


def shards(job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
    """What is measured of these channels; one whose picture is still to be made is left to do."""
    options = job.settings
    made = job.atlas.layer(layer).of(PICTURE[0])
    todo = [channel for channel in channels if made.present[channel]]
    if not todo:
        return
    comparison = Comparison.of(job, layer)
    tasks = LayerTasks(comparison, options.tasks, options.similarity)
    paths = PathSimilarity(comparison)
    # What a picture of bands shows is not all that the network was shown.
    whole = job.model.planes.coloured or job.model.planes.number == 1
    encoded = made.pictures.get(PICTURE[1], {}) if whole else {}
    for first in range(0, len(todo), SHARD):
        run = tuple(todo[first : first + SHARD])
        pictures = {channel: decoded(encoded[channel]) for channel in run if channel in encoded}
        yield Shard(
            run,
            numbers={**tasks.scores(run, pictures), **paths.of(run, pictures)},
            made={
                "tasks": options.tasks,
                "similarity": options.similarity,
                "window": tasks.window,
                "seed": job.seed,
                "torch": torch.__version__,
                "device": job.model.device.type,
            },
        )
        job.tick(len(run))


def decoded(picture: bytes) -> NDArray[np.uint8]:
    """A stored picture as the page shows it, less what WebP lost: sRGB, (row, column, 3)."""
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
