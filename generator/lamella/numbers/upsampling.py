"""Activation maps on the grid of the image that they are of.

Flow: **upsampling** -> attribution, figures, dissection.

A position of a layer is placed at the centre of what it sees, and the activation between positions
is interpolated (Bau, Zhou, Khosla, Oliva and Torralba 2017, "Network Dissection", section 2.2). A
map that is simply stretched lies up to half a stride beside what it shows.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lamella.network.units import Layer
from lamella.places.field import ReceptiveField

Maps = NDArray[np.float32]


@lru_cache(maxsize=256)
def weights(axis: ReceptiveField | None, positions: int, extent: int, pixels: int) -> Maps:
    """What each position counts for each pixel, along one axis, `(pixel, position)`.

    Beyond the first and the last centre the map goes on as it is there.

    Args:
        axis: the receptive field; without it the positions are spread evenly over the image.
        positions: of the layer.
        extent: of the image, in input pixels.
        pixels: of the grid, which covers the whole image.
    """
    centres = (np.arange(pixels) + 0.5) * extent / pixels
    if axis is None:
        places = centres * positions / extent - 0.5
    else:
        places = (centres - axis.start - axis.size / 2) / axis.stride
    places = places.clip(0, positions - 1)
    below = np.minimum(places.astype(np.int64), max(0, positions - 2))
    found = np.zeros((pixels, positions), np.float32)
    every = np.arange(pixels)
    found[every, below] = 1 - (places - below)
    if positions > 1:
        found[every, below + 1] = places - below
    return found


def upsampled(maps: Maps, layer: Layer, size: tuple[int, int], pixels: int) -> Maps:
    """Maps on a grid of `pixels` by `pixels` that covers the whole image, bilinear.

    Args:
        maps: `(..., row, column)`.
        size: height and width of the image, in input pixels.
    """
    field = layer.field
    rows = weights(field and field.rows, maps.shape[-2], size[0], pixels)
    columns = weights(field and field.columns, maps.shape[-1], size[1], pixels)
    found: Maps = np.matmul(np.matmul(rows, maps), columns.T)
    return found
