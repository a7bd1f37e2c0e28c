"""Maps of a layer on a grid that covers the image evenly.

Flow: cam, gradcam -> **placing** -> run.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lamella.units import Field, Layer
from lamella.upsampling import upsampled

SIDE = 56  # cells of the grid, along each axis


def placed(maps: Tensor, field: Field | None, size: tuple[int, int]) -> Tensor:
    """Maps, (image, k, row, column), on a grid of SIDE by SIDE; see upsampling.

    Args:
        field: the receptive field of a position; without it positions are spread evenly.
        size: height and width of the image, in pixels.
    """
    rows, columns = maps.shape[-2:]
    layer = Layer("maps", "maps", 1, rows, columns, field)
    found = upsampled(maps.detach().float().cpu().numpy(), layer, size, SIDE)
    return torch.from_numpy(found).to(maps.device)
