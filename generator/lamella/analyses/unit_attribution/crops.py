"""The part of an image that has to run for one position of a layer, and no more of it.

Flow: units -> **crops** -> schedule. Pure arithmetic: no torch, no disk.

An activation depends on its receptive field alone. A crop of the image that holds the field gives
the same activation if every layer on the way there keeps its grid, so the crop begins at a multiple
of the layer's stride, and if padding stays where it was, so a crop whose field is cut off by the
image's border reaches to that border. All crops of a layer have one size: they run in batches.
Whether an activation is the same is checked, too: global operations that the trace did not see (see
`compute`) would show there.
"""

from __future__ import annotations

from dataclasses import dataclass

from lamella.network.units import Box, Layer
from lamella.places.field import Field, ReceptiveField

SMALL = 0.5  # of the image's area: with larger crops one run of the whole image serves more units


def side_of(axis: ReceptiveField, extent: int) -> int:
    """How long the crops of a layer are along one axis of an image of `extent` pixels."""
    least = axis.start % axis.stride + axis.size
    # As far from the last multiple of the stride as the image's own border is.
    side = least + (extent - least) % axis.stride
    return min(side, extent)


def first_of(axis: ReceptiveField, position: int, extent: int) -> int:
    """The first pixel of the crop of a position: a multiple of the stride."""
    first = (axis.start // axis.stride + position) * axis.stride
    return max(0, min(first, extent - side_of(axis, extent)))


@dataclass(frozen=True, slots=True)
class Crop:
    """What runs for one position of a layer.

    Attributes:
        box: the part of the image.
        row, column: the position in the layer's map of that part.
    """

    box: Box
    row: int
    column: int


def field_of(layer: Layer, size: tuple[int, int]) -> Field | None:
    """The receptive field of a layer if it pays to run crops of the image; None for whole images.

    Args:
        size: height and width of the image, in pixels.
    """
    if layer.field is None:
        return None
    height, width = side_of(layer.field.rows, size[0]), side_of(layer.field.columns, size[1])
    return layer.field if height * width <= SMALL * size[0] * size[1] else None


def crop_at(field: Field | None, row: int, column: int, size: tuple[int, int]) -> Crop:
    """What runs for a position; the whole image without a field."""
    if field is None:
        return Crop(Box(0, 0, size[1], size[0]), row, column)
    top, left = first_of(field.rows, row, size[0]), first_of(field.columns, column, size[1])
    box = Box(left, top, side_of(field.columns, size[1]), side_of(field.rows, size[0]))
    return Crop(box, row - top // field.rows.stride, column - left // field.columns.stride)


def inside(box: Box, part: Box) -> Box:
    """Where a box of an image lies in a part of the image."""
    return Box(box.left - part.left, box.top - part.top, box.width, box.height)
