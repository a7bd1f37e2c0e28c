"""The photographs that excite each unit most: the patch that it sees, and the whole image.

Source of the idea: Zeiler and Fergus 2014; Zhou et al. 2015, "Object detectors emerge".
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from lamella import links
from lamella.facts import THUMBNAIL, LayerFacts
from lamella.figures import Figure, Gallery, Picture, Tile
from lamella.panels.base import Panel, Settings
from lamella.panels.encoding import encode
from lamella.store import Shard, Sheet
from lamella.units import Box, Layer

if TYPE_CHECKING:
    from lamella.job import Job

COLUMNS, ROWS = 4, 3
SHARD = 64
SILENT = "No photograph of the set excites this unit: its activation is zero everywhere."


class Options(Settings):
    """`[panels.dataset_examples]`."""

    side: int = Field(112, ge=16, le=512, description="Side of a patch on the site, in pixels.")
    quality: int = Field(72, ge=1, le=100, description="Quality of the WebP pictures.")


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
    """Twelve patches per unit on one sheet, strongest first, and a thumbnail of the first."""

    name: ClassVar[str] = "dataset_examples"
    title: ClassVar[str] = "Dataset examples"
    about: ClassVar[str] = (
        "The photographs that excite this unit most, one place in each, strongest first: the part "
        "that the unit sees, and beside it the whole photograph with that part in a frame."
    )
    needs: ClassVar[tuple[str, ...]] = ("survey",)
    uses_images: ClassVar[bool] = True
    shows_photographs: ClassVar[bool] = True
    settings: ClassVar[type[Settings]] = Options

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        survey = job.atlas.layer(layer).of("survey")
        options: Options = job.settings
        height, width = job.model.facts.size

        def pictures(channel: int) -> tuple[bytes, bytes]:
            """The sheet of one unit, and the thumbnail of its first patch."""
            sheet = Image.new("RGBA", (COLUMNS * options.side, ROWS * options.side))
            thumb = b""
            for place in range(COLUMNS * ROWS):
                image = int(survey["top_image"][channel, place])
                if image < 0:
                    break
                row, column = (
                    survey["top_row"][channel, place],
                    survey["top_column"][channel, place],
                )
                box = layer.box(int(row), int(column), height, width)
                cell = patch(job.images.pixels(image), box, options.side)
                at = divmod(place, COLUMNS)
                sheet.paste(cell, (at[1] * options.side, at[0] * options.side))
                if place == 0:
                    thumb = encode(cell.resize((THUMBNAIL, THUMBNAIL)), options.quality)
            return encode(_opaque(sheet), options.quality), thumb

        layout = {
            "patches": Sheet(options.side, options.side, COLUMNS, ROWS),
            "thumb": Sheet(THUMBNAIL, THUMBNAIL),
        }
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # PIL lets other threads run meanwhile
            for first in range(0, len(channels), SHARD):
                run = tuple(channels[first : first + SHARD])
                sheets, thumbs = zip(*pool.map(pictures, run), strict=True)
                yield Shard(run, pictures={"patches": sheets, "thumb": thumbs}, sheets=layout)
                job.tick(len(run))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        survey = facts.of("survey")
        sheet = facts.picture(self.name, "patches", channel, "")
        if sheet is None or facts.atlas.publish == "none":
            return ()
        if facts.silent(channel):
            return (Gallery("", (), note=SILENT),)
        cells = facts.of(self.name).sheets["patches"]
        height, width = facts.network.size
        tiles = []
        names = ("top_image", "top_activation", "top_row", "top_column")
        found = zip(*(survey[name][channel].tolist() for name in names), strict=True)
        for place, (image, activation, row, column) in enumerate(found):
            if image < 0 or (activation <= 0 and not facts.layer.signed):
                break
            photograph = facts.manifest.photographs[image]
            box = facts.layer.box(row, column, height, width)
            what = photograph.label or "photograph"
            cell = Picture(
                sheet.src,
                f"Patch {place + 1}: {what}, activation {activation:.3g}",
                cells.width,
                cells.height,
                cell=place,
                columns=cells.columns,
                rows=cells.rows,
                pixelated=box.width <= 32,
            )
            whole = None
            if facts.atlas.publish == "whole":
                whole = Picture(
                    links.photograph(facts.network.name, image),
                    f"The whole photograph ({what}), patch outlined",
                    width,
                    height,
                    outline=visible(box, height, width),
                )
            tiles.append(Tile(cell, f"{activation:.3g}", photograph.label, beside=whole))
        few = f"Only {len(tiles)} photographs of the set excite this unit."
        note = few if len(tiles) < min(cells.columns * cells.rows, facts.photographs) else ""
        return (Gallery("", tuple(tiles), note=note, size="medium"),)


def _opaque(sheet: Image.Image) -> Image.Image:
    """Without the alpha channel where nothing is transparent: a third of the bytes less."""
    low = sheet.getchannel("A").getextrema()[0]
    return sheet.convert("RGB") if low == 255 else sheet
