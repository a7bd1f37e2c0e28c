"""The whole photographs that dataset examples are cut from, as the network sees them, each once.

Flow: survey + images -> **photographs** -> store -> site.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from pydantic import Field

from lamella.analyses.panel import Panel, Settings
from lamella.figures.encoding import encode
from lamella.store.facts import EXAMPLES
from lamella.store.store import Shard, Sheet
from lamella.survey.bins import PER_BAND

if TYPE_CHECKING:
    from lamella.analyses.job import Job

SHARD = 64
# How many of each list of the survey some panel shows whole.
SHOWN = {
    ("survey", "top_image"): EXAMPLES,
    ("labels", "distinct_image"): EXAMPLES,
    ("survey", "spectrum_image"): PER_BAND,
    ("survey", "bottom_image"): PER_BAND,
    ("survey", "lowest_image"): PER_BAND,
}


class Options(Settings):
    """`[panels.photographs]`."""

    quality: int = Field(75, ge=1, le=100, description="Quality of the WebP pictures.")


class Photographs(Panel):
    """Stored for the network as a whole: a shard's `channels` are the numbers of images."""

    name = "photographs"
    title = "Photographs"
    needs = ("survey",)
    uses_images = True
    shows_photographs = True
    per = "network"
    entries = "images"
    settings = Options

    def wanted(self, job: Job) -> list[int]:
        """The images that are an example of some unit, strong or weak."""
        used: set[int] = set()
        for facts in job.atlas.layers():
            for (panel, name), shown in SHOWN.items():
                survey = facts.of(panel)
                if name in survey.numbers:
                    images = survey[name][survey.present]
                    used.update(np.unique(images[..., :shown]).tolist())
        return sorted(used - {-1})

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        options: Options = job.settings
        height, width = job.model.facts.size
        for first in range(0, len(missing), SHARD):
            run = missing[first : first + SHARD]
            pictures = [encode(Image.fromarray(job.images.pixels(n)), options.quality) for n in run]
            yield Shard(
                tuple(run),
                pictures={"photograph": pictures},
                sheets={"photograph": Sheet(width, height)},
            )
            job.tick(len(run))
