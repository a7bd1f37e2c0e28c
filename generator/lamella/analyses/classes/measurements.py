"""One class, measured on its images: Grad-CAM of each, their mean, and the inputs of the head.

Flow: model + images + predictions -> **measurements** -> compute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.analyses.classes.output_layer import OutputWeights, score_terms
from lamella.analyses.classes.stored import FULL, GRID
from lamella.attribution.gradcam import gradcam
from lamella.attribution.scores import scores
from lamella.figures import heat
from lamella.images.images import Images
from lamella.network.model import Model

BATCH = 16
Maps = NDArray[np.float32]


@dataclass(frozen=True)
class Measurements:
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


def measure(
    model: Model,
    images: Images,
    output: int,
    shown: Sequence[int],
    own: Sequence[int],
    weights: OutputWeights | None,
    with_gradcam: bool,
) -> Measurements:
    """Measure a class.

    Args:
        shown: the numbers of the images that its page shows.
        own: of those whose first answer it is.
        with_gradcam: whether the network has Grad-CAM.
    """
    maps: dict[int, Maps] = {}
    if with_gradcam:
        maps = dict(_maps(model, images, list(dict.fromkeys([*shown, *own])), output))
    positive = [maps[number] for number in own if number in maps and maps[number].max() > 0]
    mean = np.mean(positive, axis=0) if positive else np.zeros((GRID, GRID), np.float32)
    rows: list[list[Tensor]] = []
    with torch.inference_mode():
        for _, batch in _batches(model, images, own):
            if weights is None:
                rows.append([scores(model, batch)[:, output]])
            else:
                rows.append(list(score_terms(model, weights, batch, output)))
        score, *rest = [
            torch.cat(each).double().mean(0).cpu().numpy() for each in zip(*rows, strict=True)
        ]
    return Measurements(
        maps=np.stack([maps[number] for number in shown]) if with_gradcam else None,
        mean=np.asarray(heat.reduced(_at_least(mean), GRID, signed=True), np.float32),
        averaged=len(positive),
        blank=len(own) - len(positive) if with_gradcam else 0,
        score=float(score),
        means=rest[0].astype(np.float32) if weights else None,
        bias=float(rest[1]) * float(weights.bias[output]) if weights else 0.0,
    )


def stored_levels(maps: Maps) -> NDArray[np.uint8]:
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
        yield run, model.shown(np.stack([images.values(number) for number in run]))
