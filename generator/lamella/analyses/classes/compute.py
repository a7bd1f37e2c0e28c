"""What is stored of the classes: measured, drawn, a shard for each.

Flow: predictions + images + model -> measuring, pushing -> **making** -> store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.classes import contributions as pushing
from lamella.analyses.classes.class_maps import Measured, measured, numbers
from lamella.analyses.classes.outputs import Weighing, output_of, weighing_of
from lamella.analyses.classes.stored import (
    COLUMNS,
    GRID,
    IMAGES,
    MAPS,
    MEAN,
    MEAN_SIDE,
    STRONGEST,
    UNITS,
    Notes,
)
from lamella.analyses.predictions.stored import Answers
from lamella.figures import heat
from lamella.figures.encoding import encode, lossless
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.images.images import Images
    from lamella.network.model import Model

SMALL = 96  # side of the picture in the index


@dataclass(frozen=True)
class Wishes:
    """How it is made.

    Attributes:
        examples: images of each class that are shown, with their maps.
        averaged: at most so many of its own that are averaged.
        side: of an image on the sheet, in pixels.
        quality: of the WebP pictures.
        least: probability below which an image is not shown, but for the first.
    """

    examples: int
    averaged: int
    side: int
    quality: int

    least: float


def noted(model: Model) -> tuple[Notes, Weighing | None]:
    """What the pages say of the network itself, and how its head weighs."""
    from lamella.attribution.gradcam import why_not
    from lamella.attribution.target_layers import place_of

    layer = output_of(model)
    found = weighing_of(model, layer)
    without = why_not(model)
    maps = "" if without else place_of(model).about
    if isinstance(found, str):
        return Notes(output=layer, gradcam=without, maps=maps, head=found), None
    told = Notes(
        output=layer,
        gradcam=without,
        maps=maps,
        rectified=found.rectified,
        units=found.units(model),
        up=pushing.pushed(found.weight, 1),
        down=pushing.pushed(found.weight, -1),
    )
    return told, found


def shards(
    model: Model,
    images: Images,
    answers: Answers,
    outputs: Sequence[int],
    wishes: Wishes,
    told: Notes,
    weighing: Weighing | None,
    tick: Callable[[int], None],
) -> Iterator[Shard]:
    """A shard for each of these classes."""
    import torch

    made = {"torch": torch.__version__, "device": model.device.type}
    for output in outputs:
        likely = (answers.top_probability[output] >= wishes.least).tolist()
        shown = [
            number
            for place, number in enumerate(answers.top_image[output, : wishes.examples].tolist())
            if number >= 0 and (likely[place] or not place)
        ]
        own = [n for n in answers.first_image[output, : wishes.averaged].tolist() if n >= 0]
        found = measured(model, images, output, shown, own, weighing, not told.gradcam)
        pixels = [images.pixels(number) for number in shown]
        yield _shard(output, found, pixels, wishes, weighing, made)
        tick(1)


def _shard(
    output: int,
    found: Measured,
    pixels: Sequence[NDArray[np.uint8]],
    wishes: Wishes,
    weighing: Weighing | None,
    made: dict[str, Any],
) -> Shard:
    """Everything of one class."""
    side = wishes.side
    cells = [Image.fromarray(each) for each in pixels]
    photographs = [each.resize((side, side), Image.Resampling.LANCZOS) for each in cells]
    maps = np.zeros((wishes.examples, GRID, GRID), np.uint8)
    drawn: list[Image.Image] = []
    if found.maps is not None:
        maps[: len(found.maps)] = numbers(found.maps)
        drawn = [heat.picture(each, 1.0, signed=False, side=side) for each in found.maps]
    arrays: dict[str, Any] = {
        "maps": maps,
        "shown": np.int32(len(pixels)),
        "mean": found.mean,
        "averaged": np.int32(found.averaged),
        "blank": np.int32(found.blank),
        "score": np.float32(found.score),
        "bias": np.float32(found.bias),
        "total": np.float32(found.means @ weighing.weight[output] if weighing else 0),
        **_lists(output, found, weighing),
    }
    rows = -(-len(cells) // COLUMNS)
    mean = heat.picture(found.mean, 1.0, signed=False, side=MEAN_SIDE) if found.averaged else None
    return Shard(
        (output,),
        {name: np.asarray(value)[None] for name, value in arrays.items()},
        {
            IMAGES: [encode(_sheet(photographs, side), wishes.quality)],
            MAPS: [lossless(_sheet(drawn, side), 2) if drawn else b""],
            MEAN: [lossless(mean, 2) if mean else b""],
            STRONGEST: [
                encode(cells[0].resize((SMALL, SMALL), Image.Resampling.LANCZOS), wishes.quality)
            ],
        },
        {
            IMAGES: Sheet(side, side, COLUMNS, rows),
            MAPS: Sheet(side, side, COLUMNS, rows),
            MEAN: Sheet(MEAN_SIDE, MEAN_SIDE),
            STRONGEST: Sheet(SMALL, SMALL),
        },
        made,
    )


def _lists(output: int, found: Measured, weighing: Weighing | None) -> dict[str, NDArray[Any]]:
    """The inputs of the head that are shown, `(4, UNITS)`, with their weights and means."""
    if weighing is None or found.means is None:
        empty = np.zeros((4, UNITS), np.float32)
        return {"inputs": np.full((4, UNITS), -1, np.int32), "weights": empty, "means": empty}
    weights = weighing.weight[output]
    places = pushing.lists(weights, found.means)
    return {
        "inputs": places,
        "weights": pushing.picked(weights, places),
        "means": pushing.picked(found.means, places),
    }


def _sheet(cells: Sequence[Image.Image], side: int) -> Image.Image:
    """Pictures side by side."""
    sheet = Image.new("RGB", (COLUMNS * side, -(-len(cells) // COLUMNS) * side))
    for place, cell in enumerate(cells):
        row, column = divmod(place, COLUMNS)
        sheet.paste(cell, (column * side, row * side))
    return sheet
