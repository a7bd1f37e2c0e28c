"""The photographs that excite each unit most: the patch that it sees, and the whole image.

Source of the idea: Zeiler and Fergus 2014; Zhou et al. 2015, "Object detectors emerge".
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from lamella import links
from lamella.errors import ConfigError
from lamella.facts import EXAMPLES, THUMBNAIL, LayerFacts
from lamella.figures import Figure, Gallery, Picture, Tile, short
from lamella.panels.base import Panel, Settings
from lamella.panels.encoding import encode
from lamella.store import Shard, Sheet
from lamella.units import Box, Layer

if TYPE_CHECKING:
    from lamella.job import Job

# The sheet holds more than the section shows: facets group all of them. Cell i is top example i.
COLUMNS, ROWS = 6, 4
DISTINCT_COLUMNS, DISTINCT_ROWS = 4, 3
LISTS = {"top": "survey", "distinct": "labels"}  # where the survey lists places
SHARD = 64
ONE_PER_CLASS = "The strongest photograph of each label, strongest labels first."
SILENT = "No photograph of the set excites this unit: its activation is zero everywhere."


class Options(Settings):
    """`[panels.dataset_examples]`."""

    side: int = Field(96, ge=16, le=512, description="Side of a patch on the site, in pixels.")
    quality: int = Field(72, ge=1, le=100, description="Quality of the WebP pictures.")
    one_per_class: bool = Field(
        False,
        description="Show the strongest photograph of each label, in place of the strongest "
        "photographs whatever they show.",
    )


def patch(pixels: NDArray[np.uint8], box: Box, side: int) -> Image.Image:
    """The part of an image that a position sees, on a square of `side` pixels.

    A field that the border cuts off keeps its shape and lies in the middle of a transparent square.
    """
    cut = Image.fromarray(pixels[box.top : box.top + box.height, box.left : box.left + box.width])
    scale = side / max(box.width, box.height)
    small = box.width <= side // 3  # few pixels are shown as they are, not smeared
    size = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    cut = cut.resize(size, Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS)
    if size == (side, side):
        return cut
    square = Image.new("RGBA", (side, side))
    square.paste(cut, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def cut_out(
    sheet: Picture, cells: Sheet, place: int, what: str, activation: float, box: Box
) -> Picture:
    """A patch on the sheet of a unit: the cell of its `place`-th example, which shows `what`."""
    return Picture(
        sheet.src,
        f"Patch {place + 1}: {what}, activation {short(activation)}",
        cells.width,
        cells.height,
        cell=place,
        columns=cells.columns,
        rows=cells.rows,
        pixelated=box.width <= 32,
    )


@lru_cache(maxsize=8192)  # places of one layer have few different boxes
def visible(box: Box, height: int, width: int, least: int = 24) -> Box:
    """A frame around a box of an image that is never too small to be found."""
    across, down = (
        min(max(side, least), most) for side, most in ((box.width, width), (box.height, height))
    )
    left = min(max(0, box.left + (box.width - across) // 2), width - across)
    top = min(max(0, box.top + (box.height - down) // 2), height - down)
    return Box(left, top, across, down)


class DatasetExamples(Panel):
    """Patches per unit on one sheet, strongest first, and a thumbnail of the first.

    With `one_per_class` a second sheet holds the strongest patch of each label.
    """

    name: ClassVar[str] = "dataset_examples"
    title: ClassVar[str] = "Dataset examples"
    about: ClassVar[str] = (
        "The photographs that excite this unit most, one place in each, strongest first: the part "
        "that the unit sees, and beside it the whole photograph with that part in a frame."
    )
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("survey",)
    uses_images: ClassVar[bool] = True
    shows_photographs: ClassVar[bool] = True
    settings: ClassVar[type[Settings]] = Options

    def reads(self, settings: Settings) -> tuple[str, ...]:
        one_per_class = isinstance(settings, Options) and settings.one_per_class
        return (*self.needs, "labels") if one_per_class else self.needs

    def check(self, job: Job) -> None:
        if job.settings.one_per_class and not job.atlas.manifest.labels:
            raise ConfigError(
                "[panels.dataset_examples] one_per_class: none of the photographs has a label.",
                'Put them into one folder per class, with [images] labels = "folder", or let their '
                'file names begin with it, with labels = "file"; or take one_per_class out.',
            )

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        facts = job.atlas.layer(layer)
        options: Options = job.settings
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
                encode(
                    _sheet(distinct, DISTINCT_COLUMNS, DISTINCT_ROWS, options.side),
                    options.quality,
                )
                if distinct
                else b"",
                encode(thumb, options.quality) if thumb else b"",
            )

        side = options.side
        layout = {
            "patches": Sheet(side, side, COLUMNS, ROWS),
            "distinct": Sheet(side, side, DISTINCT_COLUMNS, DISTINCT_ROWS),
            "thumb": Sheet(THUMBNAIL, THUMBNAIL),
        }
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # PIL lets other threads run meanwhile
            for first in range(0, len(channels), SHARD):
                run = tuple(channels[first : first + SHARD])
                sheets = dict(zip(layout, zip(*pool.map(pictures, run), strict=True), strict=True))
                if not options.one_per_class:
                    del sheets["distinct"]
                kept = {name: layout[name] for name in sheets}
                yield Shard(run, pictures=sheets, sheets=kept)
                job.tick(len(run))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        # One patch per label where that was asked for, else simply the strongest.
        distinct = "distinct" in facts.of(self.name).sheets
        name, listed = ("distinct", "distinct") if distinct else ("patches", "top")
        sheet = facts.picture(self.name, name, channel, "")
        if sheet is None or facts.atlas.publish == "none":
            return ()
        if facts.silent(channel):
            return (Gallery("", (), note=SILENT),)
        cells = facts.of(self.name).sheets[name]
        survey = facts.of(LISTS[listed])
        height, width = facts.network.size
        tiles = []
        keys = (f"{listed}_{what}" for what in ("image", "activation", "row", "column"))
        found = zip(*(survey[key][channel, :EXAMPLES].tolist() for key in keys), strict=True)
        for place, (image, activation, row, column) in enumerate(found):
            if image < 0 or (activation <= 0 and not facts.layer.signed):
                break
            photograph = facts.manifest.photographs[image]
            box = facts.layer.box(row, column, height, width)
            what = photograph.label or "photograph"
            cell = cut_out(sheet, cells, place, what, activation, box)
            whole = None
            if facts.atlas.publish == "whole":
                whole = Picture(
                    links.photograph(facts.network.name, image),
                    f"The whole photograph ({what}), patch outlined",
                    width,
                    height,
                    outline=visible(box, height, width),
                )
            tiles.append(Tile(cell, short(activation), photograph.label, beside=whole))
        few = f"Only {len(tiles)} photographs of the set excite this unit."
        note = few if len(tiles) < min(EXAMPLES, facts.photographs) else ""
        if distinct:
            note = ONE_PER_CLASS
        return (Gallery("", tuple(tiles), note=note, size="medium"),)


def _sheet(cells: Sequence[Image.Image], columns: int, rows: int, side: int) -> Image.Image:
    """Patches side by side, without an alpha channel where nothing is transparent: a third less."""
    sheet = Image.new("RGBA", (columns * side, rows * side))
    for place, cell in enumerate(cells):
        row, column = divmod(place, columns)
        sheet.paste(cell, (column * side, row * side))
    low = sheet.getchannel("A").getextrema()[0]
    return sheet.convert("RGB") if low == 255 else sheet
