"""A unit's photographs from the strongest to the weakest, and where in each it answers.

Flow: survey -> strata -> survey/maps -> overlays -> **strata** -> store -> strata_tiles. What is
stored is what lies over the photographs: they themselves are published once, by the panel
`photographs`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from lamella.analyses.activation_spectrum.stored import examples, images_of, scale_of, strata
from lamella.analyses.activation_spectrum.view import COLUMNS, MAPS, PATCHES, rows
from lamella.analyses.panel import Panel, Settings
from lamella.figures import Figure
from lamella.figures.encoding import encode, lossless
from lamella.figures.overlays import sheet, views
from lamella.figures.patches import patch
from lamella.figures.published import unit_picture
from lamella.network.units import Layer
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard, Sheet
from lamella.survey.bins import PLACES

if TYPE_CHECKING:
    from lamella.analyses.job import Job
    from lamella.survey.maps import Maps, Wanted

SHARD = 64


class Options(Settings):
    """`[panels.activation_spectrum]`."""

    side: int = Field(
        64, ge=16, le=256, description="Side of a map, or of a patch, on the site, in pixels."
    )
    quality: int = Field(72, ge=1, le=100, description="Quality of the WebP pictures of patches.")


class ActivationSpectrum(Panel):
    """Heat and mask of each photograph on one sheet per unit.

    Patches in their place where only those are published, and nothing where not even those are.
    """

    name = "activation_spectrum"
    formerly = ("strata",)
    title = "Activation spectrum"
    about = (
        "Photographs from the whole range of the unit's answers, not only from its top. The "
        "numbers are its peak on the photograph, and the share of all photographs on which its "
        "peak is lower."
    )
    needs = ("survey", "photographs")
    uses_images = True
    uses_publish = True
    shows_photographs = True
    photographic = frozenset({MAPS})  # maps of early layers show it
    settings = Options

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
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

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        own = facts.of(self.name)
        if not own.present[channel] or facts.silent(channel) or facts.atlas.publish == "none":
            return ()
        name = MAPS if facts.atlas.publish == "whole" else PATCHES
        stored = unit_picture(facts, self.name, name, channel, "")
        return rows(facts, own, stored, channel) if stored else ()


def _maps(
    job: Job, todo: Sequence[tuple[Layer, Sequence[int]]], made: dict[str, str]
) -> Iterator[tuple[Layer, Shard]]:
    """The second pass over the images, and the sheets of a few units at a time."""
    from lamella.survey.maps import Wanted, maps_of

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
    """The sheets of some units: a row for each stratum, four of heat and four of shade."""
    survey = job.atlas.layer(part.layer).of("survey")
    side, height = job.settings.side, strata(part.layer)

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
        by_row = (height, PLACES, side, side, 4)
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
    from lamella.images.decoding import BrokenImage

    facts = job.atlas.layer(layer)
    survey, side, height = facts.of("survey"), job.settings.side, strata(layer)
    pictures = []
    known = np.zeros((len(run), height * PLACES), np.uint8)
    for unit, channel in enumerate(run):
        whole = Image.new("RGBA", (PLACES * side, height * side))
        for stratum, shown in enumerate(examples(survey, layer, channel, facts.photographs)):
            for example in shown:
                box = layer.box(example.row, example.column, *job.model.facts.size)
                try:
                    cell = patch(job.images.pixels(example.image), box, side)
                except BrokenImage:  # since the survey
                    continue
                whole.paste(cell, (example.place * side, stratum * side))
                known[unit, stratum * PLACES + example.place] = 1
        pictures.append(encode(whole, job.settings.quality) if known[unit].any() else b"")
    return Shard(
        run,
        numbers={"known": known},
        pictures={PATCHES: pictures},
        sheets={PATCHES: Sheet(side, side, PLACES, height)},
        made=made,
    )
