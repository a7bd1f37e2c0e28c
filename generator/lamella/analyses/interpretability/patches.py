"""Photographs that excite a unit and those that do not, as squares of pixels at their own scale.

Flow: survey + images -> **patches** -> comparison, tasks, path_similarity. Dataset examples are
scaled to be looked at; what is measured is not: a texture and its enlargement are two textures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lamella.network.units import Layer
from lamella.store.facts import EXAMPLES, PanelFacts

if TYPE_CHECKING:
    from torch import Tensor

    from lamella.network.model import Model

Pixels = NDArray[np.uint8]


class Place(NamedTuple):
    """A square of an image: the image's number, and the square's upper left pixel."""

    image: int
    top: int
    left: int


class Examples(NamedTuple):
    """Photographs of one unit: their numbers, and where in each to look, (row, column)."""

    images: tuple[int, ...]
    positions: tuple[tuple[int, int], ...]

    def places(self, layer: Layer, side: int, size: tuple[int, int]) -> tuple[Place, ...]:
        """Squares of `side` pixels around those positions, in images of `size`."""
        return tuple(
            Place(image, *corner(layer, *position, side, size))
            for image, position in zip(self.images, self.positions, strict=True)
        )


def corner(
    layer: Layer, row: int, column: int, side: int, size: tuple[int, int]
) -> tuple[int, int]:
    """Upper left pixel of a square around what one position sees, moved to lie in the image.

    Around the image's centre where the receptive field is the whole image or not known.
    """
    if layer.field is None:
        return (size[0] - side) // 2, (size[1] - side) // 2
    axes = ((layer.field.rows, row, size[0]), (layer.field.columns, column, size[1]))
    top, left = (
        min(max(0, field.start + at * field.stride + (field.size - side) // 2), extent - side)
        for field, at, extent in axes
    )
    return top, left


def examples(
    survey: PanelFacts, layer: Layer, channel: int, photographs: int
) -> tuple[Examples, Examples]:
    """The photographs of a unit to call strong, and those to call weak; no image is both.

    At most half of all `photographs` are called either. Strong: the first of the survey's largest
    peaks, without those at zero where the layer is never negative. Weak: the first of its smallest
    peaks that lie below every strong one. In a weak photograph the unit is weak everywhere, so the
    place to look at is free: it is that of a strong one, or the place itself (a silent map peaks in
    its corner) would give the weak ones away.
    """
    half = photographs // 2
    strong = [
        (int(image), (int(row), int(column)), float(activation))
        for image, activation, row, column in zip(
            *(
                survey[f"top_{name}"][channel, :EXAMPLES]
                for name in ("image", "activation", "row", "column")
            ),
            strict=True,
        )
        if image >= 0 and (layer.signed or activation > 0)
    ][:half]
    if not strong:
        return Examples((), ()), Examples((), ())
    limit = min(activation for _, _, activation in strong)
    weak = [
        int(image)
        for image, activation in zip(
            survey["bottom_image"][channel], survey["bottom_activation"][channel], strict=True
        )
        if image >= 0 and activation < limit
    ][:half]
    positions = tuple(position for _, position, _ in strong)
    return (
        Examples(tuple(image for image, _, _ in strong), positions),
        Examples(tuple(weak), tuple(positions[at % len(strong)] for at in range(len(weak)))),
    )


def cut(read: Callable[[int], NDArray[Any]], places: Sequence[Place], side: int) -> NDArray[Any]:
    """Those squares, (place, side, side, plane).

    Args:
        read: from an image's number to the image, `Images.pixels` or `Images.values`.
    """
    found = [read(image)[top : top + side, left : left + side] for image, top, left in places]
    return np.stack(found) if found else np.zeros((0, side, side, 3), np.uint8)


def drawn(model: Model, pixels: Pixels) -> Tensor:
    """Pictures that were made for the network, sRGB bytes, (picture, row, column, 3), as its images
    in [0, 1]."""
    import torch

    planes = model.planes.of_colours(pixels.astype(np.float32) / 255)
    assert planes is not None  # of bands there are none to be compared
    return torch.from_numpy(np.ascontiguousarray(planes)).to(model.device).permute(0, 3, 1, 2)


def in_batches(
    model: Model,
    values: NDArray[Any],
    see: Callable[[Tensor], list[Tensor]],
    shown: Callable[[NDArray[Any]], Tensor] | None = None,
) -> list[NDArray[np.float32]]:
    """What `see` says of images, in batches of always the same size: the last one is padded.

    An image's numbers must not depend on how many others there are.

    Args:
        model: whose device is used.
        values: of the images, (image, row, column, plane).
        see: takes images in [0, 1], (image, plane, row, column), to tensors with a row per image.
        shown: from values to images; `Model.shown` without it.
    """
    import torch

    batch = 128 if model.device.type == "cuda" else 32
    parts = []
    for first in range(0, len(values), batch):
        part = values[first : first + batch]
        padded = np.concatenate([part, np.repeat(part[-1:], batch - len(part), axis=0)])
        with torch.inference_mode():
            found = see((shown or model.shown)(padded))
            parts.append([each[: len(part)].float().cpu().numpy() for each in found])
    return [np.concatenate(values) for values in zip(*parts, strict=True)]
