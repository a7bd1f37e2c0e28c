"""The part of an image that has to run for one position of a layer, and no more of it.

Flow: units -> **windows** -> looks. Pure arithmetic: no torch, no disk.

An activation depends on its receptive field alone. A window of the image that holds the field gives
the same activation if every layer on the way there keeps its grid, so the window begins at a
multiple of the layer's stride, and if padding stays where it was, so a window whose field is cut
off by the image's border reaches to that border. All windows of a layer have one size: they run in
batches. Whether an activation is the same is looked at, too: global operations that the trace did
not see (see `making`) would show there.
"""

from __future__ import annotations

from dataclasses import dataclass

from lamella.network.units import Box, Field, Layer, ReceptiveField

SMALL = 0.5  # of the image's area: with larger windows one run of the whole image serves more units


def side_of(axis: ReceptiveField, extent: int) -> int:
    """How long the windows of a layer are along one axis of an image of `extent` pixels."""
    least = axis.start % axis.stride + axis.size
    # As far from the last multiple of the stride as the image's own border is.
    side = least + (extent - least) % axis.stride
    return min(side, extent)


def first_of(axis: ReceptiveField, position: int, extent: int) -> int:
    """The first pixel of the window of a position: a multiple of the stride."""
    first = (axis.start // axis.stride + position) * axis.stride
    return max(0, min(first, extent - side_of(axis, extent)))


@dataclass(frozen=True, slots=True)
class Window:
    """What runs for one position of a layer.

    Attributes:
        box: the part of the image.
        row, column: the position in the layer's map of that part.
    """

    box: Box
    row: int
    column: int


def field_of(layer: Layer, size: tuple[int, int]) -> Field | None:
    """The receptive field of a layer if it pays to run windows of it; None for whole images.

    Args:
        size: height and width of the image, in pixels.
    """
    if layer.field is None:
        return None
    height, width = side_of(layer.field.rows, size[0]), side_of(layer.field.columns, size[1])
    return layer.field if height * width <= SMALL * size[0] * size[1] else None


def window(field: Field | None, row: int, column: int, size: tuple[int, int]) -> Window:
    """What runs for a position; the whole image without a field."""
    if field is None:
        return Window(Box(0, 0, size[1], size[0]), row, column)
    top, left = first_of(field.rows, row, size[0]), first_of(field.columns, column, size[1])
    box = Box(left, top, side_of(field.columns, size[1]), side_of(field.rows, size[0]))
    return Window(box, row - top // field.rows.stride, column - left // field.columns.stride)


def inside(box: Box, part: Box) -> Box:
    """Where a box of an image lies in a part of the image."""
    return Box(box.left - part.left, box.top - part.top, box.width, box.height)
