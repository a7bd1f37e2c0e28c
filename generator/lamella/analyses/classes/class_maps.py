"""One class, measured on its images: Grad-CAM of each, their mean, and what its weights weigh.

Flow: model + images + predictions -> **measuring** -> panels/class_pages.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.classes.outputs import Weighing, weighed
from lamella.analyses.classes.stored import FULL, GRID
from lamella.figures import heat

if TYPE_CHECKING:
    from torch import Tensor

    from lamella.images.images import Images
    from lamella.network.model import Model

BATCH = 16
Maps = NDArray[np.float32]


@dataclass(frozen=True)
class Measured:
    """What was found of one class.

    Attributes:
        maps: Grad-CAM of the images that are shown, each divided by its maximum, (image, row,
            column); zeros where nothing speaks for the class. None where there is no Grad-CAM.
        mean: the mean of such maps over the class's own images, (GRID, GRID).
        averaged: over how many images.
        blank: how many more had nothing but zeros.
        score: mean score of the class on its own images.
        means: mean of each input of the head on them, (input,); None without such a head.
        bias: what the bias adds to the score, on average.
    """

    maps: Maps | None
    mean: Maps
    averaged: int
    blank: int
    score: float
    means: NDArray[np.float32] | None
    bias: float


def measured(
    model: Model,
    images: Images,
    output: int,
    shown: Sequence[int],
    own: Sequence[int],
    weighing: Weighing | None,
    gradcam: bool,
) -> Measured:
    """Measure a class.

    Args:
        shown: the numbers of the images that its page shows.
        own: of those whose first answer it is.
        gradcam: whether the network has it.
    """
    import torch

    from lamella.attribution.scores import scores

    maps: dict[int, Maps] = {}
    if gradcam:
        maps = dict(_maps(model, images, list(dict.fromkeys([*shown, *own])), output))
    known = [maps[number] for number in own if number in maps and maps[number].max() > 0]
    mean = np.mean(known, axis=0) if known else np.zeros((GRID, GRID), np.float32)
    rows: list[list[Tensor]] = []
    with torch.inference_mode():
        for _, batch in _batches(model, images, own):
            if weighing is None:
                rows.append([scores(model, batch)[:, output]])
            else:
                rows.append(list(weighed(model, weighing, batch, output)))
        score, *rest = [
            torch.cat(each).double().mean(0).cpu().numpy() for each in zip(*rows, strict=True)
        ]
    return Measured(
        maps=np.stack([maps[number] for number in shown]) if gradcam else None,
        mean=np.asarray(heat.reduced(_at_least(mean), GRID, signed=True), np.float32),
        averaged=len(known),
        blank=len(own) - len(known) if gradcam else 0,
        score=float(score),
        means=rest[0].astype(np.float32) if weighing else None,
        bias=float(rest[1]) * float(weighing.bias[output]) if weighing else 0.0,
    )


def numbers(maps: Maps) -> NDArray[np.uint8]:
    """Maps from 0 to 1 as the store keeps them, (map, GRID, GRID)."""
    small = heat.reduced(np.stack([_at_least(each) for each in maps]), GRID)
    levels: NDArray[np.uint8] = np.rint(small.clip(0, 1) * FULL).astype(np.uint8)
    return levels


def _at_least(values: Maps) -> Maps:
    """A map on a grid that can be reduced to GRID."""
    rows, columns = (max(GRID, extent) for extent in values.shape)
    return values if (rows, columns) == values.shape else heat.smooth(values, (rows, columns))


def _maps(
    model: Model, images: Images, numbers: Sequence[int], output: int
) -> list[tuple[int, Maps]]:
    """Grad-CAM of a class on images, each divided by its maximum."""
    import torch

    from lamella.attribution.gradcam import gradcam

    found = []
    for run, batch in _batches(model, images, numbers):
        classes = torch.full((len(run), 1), output, dtype=torch.int64, device=model.device)
        maps = gradcam(model, batch, classes)[:, 0].float().cpu().numpy()
        highest = maps.max(axis=(1, 2), keepdims=True)
        shares = np.where(highest > 0, maps / np.where(highest > 0, highest, 1), 0)
        found += list(zip(run, shares.astype(np.float32), strict=True))
    return found


def _batches(
    model: Model, images: Images, numbers: Sequence[int]
) -> Iterator[tuple[Sequence[int], Tensor]]:
    """Images in batches, as the network's `shown`."""
    for at in range(0, len(numbers), BATCH):
        run = numbers[at : at + BATCH]
        yield run, model.shown(np.stack([images.pixels(number) for number in run]))
