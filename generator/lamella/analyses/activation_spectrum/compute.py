"""What lies over a unit's photographs where its maps are published, or else its patches of them.

Flow: survey/activation_maps -> figures/overlays -> **compute** -> store. The photographs themselves
are published once, by the analysis `photographs`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.activation_spectrum.stored import (
    COLUMNS,
    MAPS,
    PATCHES,
    bands,
    examples,
    images_of,
    scale_of,
)
from lamella.figures.encoding import encode, lossless
from lamella.figures.overlays import sheet, views
from lamella.figures.patches import patch
from lamella.images.decoding import BrokenImage
from lamella.network.units import Layer
from lamella.store.store import Shard, Sheet
from lamella.survey.activation_maps import Maps, Wanted, maps_of
from lamella.survey.bins import PER_BAND

if TYPE_CHECKING:
    from lamella.analyses.job import Job

SHARD = 64
Todo = Sequence[tuple[Layer, Sequence[int]]]


def shards(job: Job, todo: Todo) -> Iterator[tuple[Layer, Shard]]:
    """The sheets of these channels of some layers; without pictures where nothing is published."""
    made = {"publish": job.atlas.publish}
    if job.atlas.publish == "whole":
        yield from _maps(job, todo, made)
        return
    for layer, channels in todo:
        for first in range(0, len(channels), SHARD):
            run = tuple(channels[first : first + SHARD])
            if job.atlas.publish == "patches":
                yield layer, _patches(job, layer, run, made)
            else:
                yield layer, Shard(run, made=made)
            job.tick(len(run))


def _maps(job: Job, todo: Todo, made: dict[str, str]) -> Iterator[tuple[Layer, Shard]]:
    """The second pass over the images, and the sheets of a few units at a time."""

    def wanted() -> Iterator[Wanted]:
        for layer, channels in todo:
            facts = job.atlas.layer(layer)
            images = images_of(facts.of("survey"), layer, facts.photographs)
            yield Wanted(layer, tuple(channels), images[list(channels)])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for part, maps in maps_of(job.model, job.images, wanted()):
            yield part.layer, _overlaid(job, part, maps, made, pool)
            job.tick(len(part.channels))


def _overlaid(
    job: Job, part: Wanted, maps: Maps, made: dict[str, str], pool: ThreadPoolExecutor
) -> Shard:
    """The sheets of some units: a row for each band, four of heat and four of shade."""
    survey = job.atlas.layer(part.layer).of("survey")
    side, height = job.settings.side, bands(part.layer)

    def drawn(unit: int) -> tuple[bytes, NDArray[np.float32]]:
        channel = part.channels[unit]
        warm, dark, above = views(
            maps[unit],
            part.layer,
            job.model.facts.size,
            side,
            scale_of(survey, part.layer, channel),
            float(survey["p995"][channel]),
        )
        if np.isnan(above).all():
            return b"", above
        by_row = (height, PER_BAND, side, side, 4)
        cells = np.concatenate([warm.reshape(by_row), dark.reshape(by_row)], axis=1)
        return lossless(sheet(cells.reshape(-1, side, side, 4), COLUMNS), 2), above

    sheets, above = zip(*pool.map(drawn, range(len(part.channels))), strict=True)
    return Shard(
        part.channels,
        numbers={"above": np.stack(above)},
        pictures={MAPS: sheets},
        sheets={MAPS: Sheet(side, side, COLUMNS, height)},
        made=made,
    )


def _patches(job: Job, layer: Layer, run: tuple[int, ...], made: dict[str, str]) -> Shard:
    """What the units see of their photographs, where no more of them may be shown."""
    facts = job.atlas.layer(layer)
    survey, side, height = facts.of("survey"), job.settings.side, bands(layer)
    pictures = []
    known = np.zeros((len(run), height * PER_BAND), np.uint8)
    for unit, channel in enumerate(run):
        whole = Image.new("RGBA", (PER_BAND * side, height * side))
        for band, shown in enumerate(examples(survey, layer, channel, facts.photographs)):
            for example in shown:
                box = layer.box(example.row, example.column, *job.model.facts.size)
                try:
                    cell = patch(job.images.pixels(example.image), box, side)
                except BrokenImage:  # since the survey
                    continue
                whole.paste(cell, (example.place * side, band * side))
                known[unit, band * PER_BAND + example.place] = 1
        pictures.append(encode(whole, job.settings.quality) if known[unit].any() else b"")
    return Shard(
        run,
        numbers={"known": known},
        pictures={PATCHES: pictures},
        sheets={PATCHES: Sheet(side, side, PER_BAND, height)},
        made=made,
    )
