"""What is stored of the classes: measured, drawn, a shard for each.

Flow: predictions + images + model -> measurements, contributions -> **compute** -> store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.classes.contributions import largest_classes, largest_inputs, values_at
from lamella.analyses.classes.measurements import Measurements, measure, stored_levels
from lamella.analyses.classes.output_layer import OutputWeights, output_layer_of, output_weights
from lamella.analyses.classes.settings import Options
from lamella.analyses.classes.stored import (
    COLUMNS,
    GRID,
    HEAD,
    IMAGES,
    MAPS,
    MEAN,
    MEAN_SIDE,
    STRONGEST,
    UNITS,
    HeadRecord,
)
from lamella.analyses.predictions.stored import answers
from lamella.attribution.gradcam import why_not
from lamella.attribution.target_layers import layer_maps
from lamella.figures import heat
from lamella.figures.encoding import encode, lossless
from lamella.network.model import Model
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job

SMALL = 96  # side of the picture in the index


def wanted(job: Job) -> list[int]:
    """The classes that get a page: those that are most often the first answer, ascending."""
    found = answers(job.atlas)
    return [] if found is None else sorted(found.by_count[: job.settings.most])


def head_of(model: Model) -> tuple[HeadRecord, OutputWeights | None]:
    """What the pages say of the network itself, and the weights of its output layer."""
    layer = output_layer_of(model)
    weights = output_weights(model, layer)
    without = why_not(model)
    maps = "" if without else layer_maps(model).about
    if isinstance(weights, str):
        record = HeadRecord(output=layer, no_gradcam=without, gradcam_maps=maps, no_weights=weights)
        return record, None
    record = HeadRecord(
        output=layer,
        no_gradcam=without,
        gradcam_maps=maps,
        rectified=weights.rectified,
        units=weights.units(model),
        up=largest_classes(weights.weight, 1),
        down=largest_classes(weights.weight, -1),
    )
    return record, weights


def shards(job: Job, missing: Sequence[int]) -> Iterator[Shard]:
    """A shard for each of these classes."""
    found, options = answers(job.atlas), job.settings
    assert found is not None
    record, weights = head_of(job.model)
    job.remember(HEAD, record.plain())
    made = {"torch": torch.__version__, "device": job.model.device.type}
    for output in missing:
        likely = (found.top_probability[output] >= options.least).tolist()
        shown = [
            number
            for place, number in enumerate(found.top_image[output, : options.examples].tolist())
            if number >= 0 and (likely[place] or not place)
        ]
        own = [n for n in found.first_image[output, : options.averaged].tolist() if n >= 0]
        measured = measure(
            job.model, job.images, output, shown, own, weights, not record.no_gradcam
        )
        pixels = [job.images.pixels(number) for number in shown]
        yield _shard(output, measured, pixels, options, weights, made)
        job.tick(1)


def _shard(
    output: int,
    found: Measurements,
    pixels: Sequence[NDArray[np.uint8]],
    options: Options,
    weights: OutputWeights | None,
    made: dict[str, Any],
) -> Shard:
    """Everything of one class."""
    side = options.side
    cells = [Image.fromarray(each) for each in pixels]
    photographs = [each.resize((side, side), Image.Resampling.LANCZOS) for each in cells]
    maps = np.zeros((options.examples, GRID, GRID), np.uint8)
    drawn: list[Image.Image] = []
    if found.maps is not None:
        maps[: len(found.maps)] = stored_levels(found.maps)
        drawn = [heat.picture(each, 1.0, signed=False, side=side) for each in found.maps]
    arrays: dict[str, Any] = {
        "maps": maps,
        "shown": np.int32(len(pixels)),
        "mean": found.mean,
        "averaged": np.int32(found.averaged),
        "blank": np.int32(found.blank),
        "score": np.float32(found.score),
        "bias": np.float32(found.bias),
        "total": np.float32(found.means @ weights.weight[output] if weights else 0),
        **_inputs(output, found, weights),
    }
    rows = -(-len(cells) // COLUMNS)
    mean = heat.picture(found.mean, 1.0, signed=False, side=MEAN_SIDE) if found.averaged else None
    return Shard(
        (output,),
        {name: np.asarray(value)[None] for name, value in arrays.items()},
        {
            IMAGES: [encode(_sheet(photographs, side), options.quality)],
            MAPS: [lossless(_sheet(drawn, side), 2) if drawn else b""],
            MEAN: [lossless(mean, 2) if mean else b""],
            STRONGEST: [
                encode(cells[0].resize((SMALL, SMALL), Image.Resampling.LANCZOS), options.quality)
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


def _inputs(
    output: int, found: Measurements, weights: OutputWeights | None
) -> dict[str, NDArray[Any]]:
    """The inputs of the head that are shown, `(4, UNITS)`, with their weights and means."""
    if weights is None or found.means is None:
        empty = np.zeros((4, UNITS), np.float32)
        return {"inputs": np.full((4, UNITS), -1, np.int32), "weights": empty, "means": empty}
    row = weights.weight[output]
    places = largest_inputs(row, found.means)
    return {
        "inputs": places,
        "weights": values_at(row, places),
        "means": values_at(found.means, places),
    }


def _sheet(cells: Sequence[Image.Image], side: int) -> Image.Image:
    """Pictures side by side."""
    sheet = Image.new("RGB", (COLUMNS * side, -(-len(cells) // COLUMNS) * side))
    for place, cell in enumerate(cells):
        row, column = divmod(place, COLUMNS)
        sheet.paste(cell, (column * side, row * side))
    return sheet
