"""The grid of masks that occlusion moves over an image.

Flow: **mask_grid** -> occlusion, unit_attribution.
"""

from dataclasses import dataclass

from lamella.errors import ModelError
from lamella.network.units import Box


@dataclass(frozen=True, slots=True)
class Grid:
    """Masks that cover an image evenly: one for each cell, row by row.

    Attributes:
        rows, columns: how many cells.
        boxes: the masks, `rows * columns`.
    """

    rows: int
    columns: int
    boxes: tuple[Box, ...]


def spans(extent: int, patch: int, cells: int) -> list[tuple[int, int]]:
    """Where masks begin and end along one axis: around the middle of each cell, cut by the border.

    Args:
        extent: of the image, in pixels.
        patch: side of a mask, in pixels.
        cells: how many share the axis evenly.
    """
    # Twice the middle of a cell, less the patch: whole numbers, halves are rounded up.
    first = [((2 * at + 1) * extent // cells - patch + 1) // 2 for at in range(cells)]
    return [(max(0, begin), min(extent, begin + patch)) for begin in first]


def grid(size: tuple[int, int], patch: int, stride: int) -> Grid:
    """A square mask around the middle of each cell of `stride` pixels; the border cuts it off.

    Cell (i, j) stands for pixels `[i * stride, (i + 1) * stride)` by the same of j. Where the image
    is no multiple of the stride, as many cells as it needs share it evenly, each a little smaller.

    Args:
        size: height and width of the image, in pixels.
        patch: side of a mask, in pixels.
        stride: pixels between the middles of neighbouring masks.
    Raises:
        ModelError: the patch is larger than the image, or leaves gaps.
    """
    height, width = size
    if not 1 <= patch <= min(size):
        raise ModelError(
            f"A patch of {patch} pixels cannot be moved over an image of {height} x {width}.",
            f"Choose a patch of 1 to {min(size)} pixels; about a fifth of the image is usual.",
        )
    if not 1 <= stride <= patch:
        raise ModelError(
            f"A patch of {patch} pixels that moves by {stride} leaves pixels uncovered.",
            f"Choose a stride of 1 to {patch} pixels; a third of the patch is usual.",
        )
    down = spans(height, patch, -(-height // stride))
    across = spans(width, patch, -(-width // stride))
    boxes = tuple(
        Box(left, top, right - left, bottom - top) for top, bottom in down for left, right in across
    )
    return Grid(len(down), len(across), boxes)
