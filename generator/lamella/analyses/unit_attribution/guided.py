"""Guided backpropagation of units, from where they answer most, to the pixels that they see.

Flow: schedule + model + images -> attribution/gradients -> **guided** -> compute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.analyses.unit_attribution.crops import Crop
from lamella.analyses.unit_attribution.occlusion import (
    attributed_address,
    batch_size,
    decoded_crops,
)
from lamella.attribution.gradients import gradients_of
from lamella.attribution.scores import require_finite
from lamella.images.images import Images
from lamella.network.activations import visit
from lamella.network.model import Model

SHARE = 0.5  # of the pixels that run without a graph

Maps = NDArray[np.float32]


def guided_gradients(
    model: Model,
    images: Images,
    layer: str,
    wanted: Sequence[tuple[int, int, Crop]],
    most: int,
    check_stop: Callable[[], None] = lambda: None,
) -> list[Maps | None]:
    """Guided gradients of units, (plane, row, column) each, with their sign.

    Args:
        wanted: of each map the channel, the image's number, and the crop of it that runs; these
            have one size.
        most: maps that are ever asked for at once; no batch is larger.
        check_stop: called between batches, for whoever wants to stop.
    Returns:
        Activation per unit of brightness; None where an image cannot be decoded.
    """
    address = attributed_address(model, layer)
    box = wanted[0][2].box
    batch = min(most, batch_size(model, box.height, box.width, SHARE))
    found: list[Maps | None] = []
    for first in range(0, len(wanted), batch):
        check_stop()
        run = wanted[first : first + batch]
        padded = [*run, *([run[-1]] * (batch - len(run)))]
        shown, known = decoded_crops(
            model, images, [(image, crop.box) for _, image, crop in padded]
        )
        places = torch.tensor(
            [(at, channel, crop.row, crop.column) for at, (channel, _, crop) in enumerate(padded)],
            device=shown.device,
        )

        def read(leaf: Tensor, places: Tensor = places) -> Tensor:
            kept: list[Tensor] = []

            def see(values: Tensor) -> None:
                kept.append(values[places[:, 0], places[:, 1], places[:, 2], places[:, 3]])

            visit(model.module, model.normalise(leaf), {address: see})
            return kept[0][:, None]

        slopes = gradients_of(read, shown, guided=True)[: len(run), 0].float()
        slopes = require_finite(slopes, lambda at: f"Guided backprop from {layer}:{run[at][0]}")  # noqa: B023
        maps = slopes.cpu().numpy()
        found += [one if sure else None for one, sure in zip(maps, known, strict=False)]
    return found
