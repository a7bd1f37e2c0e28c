"""Where in a layer's map a unit's response to a stimulus is read.

Flow: units -> **positions** -> passes. Zero padding is an edge that no stimulus has: positions that
it can reach are left out wherever there are others.
"""

import numpy as np

from lamella.network.units import Layer
from lamella.places.field import ReceptiveField

WHOLE = slice(None)


def middle(field: ReceptiveField, positions: int, extent: int) -> slice:
    """The position nearest the middle of the image along one axis, or the two that are equally so.

    Args:
        positions: of the map along the axis.
        extent: of the image along it, in pixels.
    """
    away = np.abs(_offsets(field, positions, extent))
    return _run(away <= away.min() + 1e-6)


def clear(field: ReceptiveField, positions: int, extent: int) -> slice:
    """The positions in the image's middle half that see nothing but image; else the middle."""
    first = field.start + field.stride * np.arange(positions)
    inside = (first >= 0) & (first + field.size <= extent)
    near = np.abs(_offsets(field, positions, extent)) <= extent / 4
    return _run(inside & near) if (inside & near).any() else middle(field, positions, extent)


def window(layer: Layer, size: tuple[int, int], *, centred: bool) -> tuple[slice, slice]:
    """Rows and columns of a layer's map; all of them where it is not known what each one sees."""
    if layer.field is None:
        return WHOLE, WHOLE
    chosen = middle if centred else clear
    return (
        chosen(layer.field.rows, layer.height, size[0]),
        chosen(layer.field.columns, layer.width, size[1]),
    )


def _offsets(field: ReceptiveField, positions: int, extent: int) -> np.ndarray:
    """From the middle of the image to the middle of each position's field, in pixels."""
    return field.start + field.stride * np.arange(positions) + (field.size - extent) / 2


def _run(chosen: np.ndarray) -> slice:
    found = np.flatnonzero(chosen)
    return slice(int(found[0]), int(found[-1]) + 1)
