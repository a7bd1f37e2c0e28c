"""The pictures of the stimuli: a shard's `channels` number them row after row.

Flow: stimulus_rows -> **pictures** -> store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lamella.analyses.tuning_curves.families import families
from lamella.analyses.tuning_curves.family import Size
from lamella.analyses.tuning_curves.stimulus_rows import Row, places, rows
from lamella.analyses.tuning_curves.stored import PICTURE
from lamella.figures.encoding import lossless
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job


def number(size: Size) -> int:
    """How many pictures there are for a network's size, rows and columns."""
    return sum(1 for _ in _each(size))


def shards(job: Job, missing: list[int]) -> Iterator[Shard]:
    """The pictures that are missing: rows differ in the size of theirs, a shard for each size."""
    size, wanted = job.model.facts.size, set(missing)
    for half in (True, False):
        drawn = {
            entry: lossless(_picture(row, place, size))
            for entry, (row, place) in enumerate(_each(size))
            if row.half == half and entry in wanted
        }
        if drawn:
            height, width = (extent - extent // 4 * 2 if half else extent for extent in size)
            yield Shard(
                tuple(drawn),
                pictures={PICTURE: list(drawn.values())},
                sheets={PICTURE: Sheet(width, height)},
            )
            job.tick(len(drawn))


def _each(size: Size) -> Iterator[tuple[Row, int]]:
    """The row of each picture, and its place there."""
    for row in rows(families(size)):
        for place in range(places(families(size), row)):
            yield row, place


def _picture(row: Row, place: int, size: Size) -> Image.Image:
    at = (*row.at[: row.along], place, *row.at[row.along + 1 :])
    shown = families(size)[row.family].image(*at)
    if row.half:
        top, left = size[0] // 4, size[1] // 4
        shown = shown[:, top : size[0] - top, left : size[1] - left]
    return Image.fromarray((shown.transpose(1, 2, 0) * 255).round().astype(np.uint8))
