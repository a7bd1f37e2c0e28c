"""The maps of one example on the grid of the masks over what its unit sees.

Flow: checkpoint + guided -> **example_maps** -> drawing, compute. Pure arithmetic: no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.unit_attribution.crops import inside
from lamella.analyses.unit_attribution.masks import cells_of, resampled, sum_under
from lamella.network.units import Box

Maps = NDArray[np.float32]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ExampleMaps:
    """The maps of one example.

    Attributes:
        box: the part of the image that the unit sees.
        guided: the guided gradient of that part, (plane, row, column).
        grid: the same under each mask, as a share of its largest, (row, column) of the masks' grid.
        lost: the activation that each mask takes away, on the same grid.
        before: the activation without a mask.
    """

    box: Box
    guided: Maps
    grid: Maps
    lost: Maps
    before: float


def example_maps(
    box: Box, crop: Box, size: Size, gradient: Maps, values: Maps, cells: int, share: float
) -> ExampleMaps:
    """What guided backpropagation and masks say of an example.

    Args:
        box: the part of the image that the unit sees.
        crop: the part that ran; it holds that.
        size: of the image, in pixels.
        gradient: the guided gradient of the crop, (plane, row, column).
        values: the activation without and under each mask, (1 + cells * cells).
        cells: masks along each side.
        share: side of a mask, in cells.
    """
    at = inside(box, crop)
    seen = gradient[:, at.top : at.top + at.height, at.left : at.left + at.width]
    lost = (values[0] - values[1:]).reshape(cells, cells)
    if (crop.height, crop.width) == size:
        rows, columns = cells_of(crop, cells)
        grid = sum_under(magnitude(gradient), cells, share)
        lost, grid = (resampled(one, size, box, cells) for one in (lost[:rows, :columns], grid))
    else:
        rows, columns = cells_of(box, cells)
        lost, grid = lost[:rows, :columns], sum_under(magnitude(seen), cells, share)
    full = float(grid.max())
    return ExampleMaps(box, seen, grid / full if full > 0 else grid, lost, float(values[0]))


def magnitude(gradient: Maps) -> Maps:
    """The magnitude of gradients, the largest of all planes, (row, column)."""
    found: Maps = np.abs(gradient).max(axis=0)
    return found
