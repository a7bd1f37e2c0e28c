"""Sheets of patches, one per unit, strongest first.

Flow: survey + images -> **compute** -> store.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from PIL import Image

from lamella.analyses.dataset_examples.stored import DISTINCT, LISTS, PATCHES
from lamella.figures.encoding import encode
from lamella.figures.patches import patch
from lamella.figures.published import THUMBNAIL
from lamella.network.units import Layer
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job

# The sheet holds more than the section shows: facets group all of them. Cell i is top example i.
COLUMNS, ROWS = 6, 4
DISTINCT_COLUMNS, DISTINCT_ROWS = 4, 3
SHARD = 64


def shards(job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
    """The sheets of these channels of a layer, and a thumbnail of each unit's first patch."""
    facts = job.atlas.layer(layer)
    options = job.settings
    height, width = job.model.facts.size
    wanted = LISTS if options.one_per_class else ("top",)
    surveys = {name: facts.of(LISTS[name]) for name in wanted}

    def cells(name: str, channel: int, most: int) -> list[Image.Image]:
        """The patches of one unit that the survey lists under a name."""
        keys = (f"{name}_{what}" for what in ("image", "row", "column"))
        places = zip(*(surveys[name][key][channel].tolist() for key in keys), strict=True)
        return [
            patch(job.images.pixels(image), layer.box(row, column, height, width), options.side)
            for image, row, column in islice(places, most)
            if image >= 0  # those that are none stand at the end
        ]

    def pictures(channel: int) -> tuple[bytes, bytes, bytes]:
        """The sheet of one unit, that of one patch per label, and a thumbnail."""
        found = cells("top", channel, COLUMNS * ROWS)
        thumb = found[0].resize((THUMBNAIL, THUMBNAIL)) if found else None
        most = DISTINCT_COLUMNS * DISTINCT_ROWS
        distinct = cells("distinct", channel, most) if options.one_per_class else []
        return (
            encode(_sheet(found, COLUMNS, ROWS, options.side), options.quality),
            encode(_sheet(distinct, DISTINCT_COLUMNS, DISTINCT_ROWS, options.side), options.quality)
            if distinct
            else b"",
            encode(thumb, options.quality) if thumb else b"",
        )

    side = options.side
    layout = {
        PATCHES: Sheet(side, side, COLUMNS, ROWS),
        DISTINCT: Sheet(side, side, DISTINCT_COLUMNS, DISTINCT_ROWS),
        "thumb": Sheet(THUMBNAIL, THUMBNAIL),
    }
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # PIL lets other threads run meanwhile
        for first in range(0, len(channels), SHARD):
            run = tuple(channels[first : first + SHARD])
            sheets = dict(zip(layout, zip(*pool.map(pictures, run), strict=True), strict=True))
            if not options.one_per_class:
                del sheets[DISTINCT]
            kept = {name: layout[name] for name in sheets}
            yield Shard(run, pictures=sheets, sheets=kept)
            job.tick(len(run))


def _sheet(cells: Sequence[Image.Image], columns: int, rows: int, side: int) -> Image.Image:
    """Patches side by side, without an alpha channel where nothing is transparent: a third less."""
    sheet = Image.new("RGBA", (columns * side, rows * side))
    for place, cell in enumerate(cells):
        row, column = divmod(place, columns)
        sheet.paste(cell, (column * side, row * side))
    low = sheet.getchannel("A").getextrema()[0]
    return sheet.convert("RGB") if low == 255 else sheet
