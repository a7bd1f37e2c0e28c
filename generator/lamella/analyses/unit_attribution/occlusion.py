"""The activations of units while masks cover what they see, a batch of masked crops at a time.

Flow: schedule + model + images -> **occlusion** -> checkpoint. All units that see the same crop of
an image are read off the same pass, which ends behind the deepest of their layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.analyses.unit_attribution.schedule import MaskedCrop
from lamella.attribution.occlusion import hidden
from lamella.images.decoding import BrokenImage
from lamella.images.images import Images
from lamella.network.activations import Address, visit
from lamella.network.model import Model
from lamella.network.units import Box, Layer

# Pixels of a batch: as many as of 16 images of 224 x 224, on a GPU of 128.
PIXELS = {"cpu": 16 * 224 * 224, "cuda": 128 * 224 * 224}
CAPPED = "relu6"
MOST = 1024  # crops of a batch, however small they are


class MaskedActivations(NamedTuple):
    """Activations of one layer: whose example, under which mask (0 for none), and how large."""

    layer: str
    channel: NDArray[np.int64]
    place: NDArray[np.int64]
    mask: NDArray[np.int64]
    value: NDArray[np.float32]


def batch_size(model: Model, height: int, width: int, share: float = 1.0) -> int:
    """How many crops of that size run together; always as many, whatever there is to do."""
    pixels = PIXELS.get(model.device.type, PIXELS["cpu"])
    return max(1, min(MOST, round(share * pixels / (height * width))))


def attributed_address(model: Model, layer: str) -> Address:
    """Where the value of a unit lies that is attributed: its activation.

    A ReLU6 lets no more than 6 through, and nothing changes any more once that is reached: there it
    is the value before it.
    """
    traced = model.traced[layer]
    return traced.target if traced.layer.activation == CAPPED else traced.observed


def after_activation(layer: Layer, value: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the survey saw of a layer where that value is attributed."""
    return value.clip(0, layer.ceiling) if layer.activation == CAPPED else value


def decoded_crops(
    model: Model, images: Images, of: Sequence[tuple[int, Box]]
) -> tuple[Tensor, list[bool]]:
    """Crops of images of one size, (crop, plane, row, column), and which could be decoded."""
    first = of[0][1]
    found = np.zeros((len(of), first.height, first.width, model.planes.number), images.dtype)
    known = []
    for at, (image, box) in enumerate(of):
        try:
            values = images.values(image)
        except BrokenImage:  # since the survey
            known.append(False)
            continue
        found[at] = values[box.top : box.top + box.height, box.left : box.left + box.width]
        known.append(True)
    return model.shown(found), known


def masked_activations(
    model: Model,
    images: Images,
    crops: Sequence[MaskedCrop],
    entries: NDArray[np.int64],
    batch: int,
) -> list[MaskedActivations]:
    """The activations of a batch.

    Args:
        entries: at most `batch` pairs of a crop's number and a mask's, as of `schedule.entries`.
    """
    numbers, local = np.unique(entries[:, 0], return_inverse=True)
    seen = [crops[number] for number in numbers.tolist()]
    shown, known = decoded_crops(model, images, [(crop.image, crop.box) for crop in seen])
    edges = np.stack([np.concatenate([np.zeros((1, 4), np.int64), crop.edges]) for crop in seen])
    # Padded: what a batch says must not depend on how full it is.
    spare = np.zeros(batch - len(entries), np.int64)
    which = torch.from_numpy(np.concatenate([local.reshape(-1), spare])).to(shown.device)
    over = torch.from_numpy(
        np.concatenate([edges[local.reshape(-1), entries[:, 1]], edges[spare, 0]])
    )
    activations: list[tuple[str, NDArray[np.int64], Tensor]] = []

    def reader(layer: str) -> Callable[[Tensor], None]:
        rows = _positions_read(layer, seen, known, local.reshape(-1), entries[:, 1])

        def read(values: Tensor) -> None:
            at = torch.from_numpy(rows).to(values.device)
            found = values[at[:, 0], at[:, 1], at[:, 2], at[:, 3]]
            activations.append((layer, rows, found.float()))

        return read

    with torch.inference_mode():
        # The input is zero at the mean colour, which is that of the masks.
        inputs = model.normalise(shown)[which].contiguous(memory_format=model.memory_format)
        inputs.masked_fill_(hidden(over.to(inputs.device), *inputs.shape[2:]), 0)
        layers = {layer for crop in seen for layer in crop.reads}
        visit(
            model.module,
            inputs,
            {attributed_address(model, layer): reader(layer) for layer in sorted(layers)},
        )
        every = torch.cat([values for _, _, values in activations]).cpu().numpy()
    stops = np.cumsum([len(rows) for _, rows, _ in activations])[:-1]
    return [
        MaskedActivations(layer, rows[:, 1], rows[:, 4], rows[:, 5], values)
        for (layer, rows, _), values in zip(activations, np.split(every, stops), strict=True)
    ]


def _positions_read(
    layer: str,
    seen: Sequence[MaskedCrop],
    known: Sequence[bool],
    local: NDArray[np.int64],
    mask: NDArray[np.int64],
) -> NDArray[np.int64]:
    """What is read of a layer: (entry, channel, row, column, place, mask), one after another."""
    rows = []
    for at, crop in enumerate(seen):
        reads = np.array(crop.reads.get(layer, []), np.int64).reshape(-1, 4)
        own = np.flatnonzero(local == at)
        if known[at] and len(reads):
            channel, place, row, column = np.tile(reads, (len(own), 1)).T
            entry = np.repeat(own, len(reads))
            rows.append(np.stack([entry, channel, row, column, place, mask[entry]], axis=1))
    return np.concatenate(rows) if rows else np.zeros((0, 6), np.int64)
