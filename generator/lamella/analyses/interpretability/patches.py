"""Photographs that excite a unit and those that do not, as squares of pixels at their own scale.

Flow: survey + images -> **patches** -> comparison, tasks, path_similarity. Dataset examples are
scaled to be looked at; what is measured is not: a texture and its enlargement are two textures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lamella.network.units import Layer
from lamella.store.facts import EXAMPLES, PanelFacts

if TYPE_CHECKING:
    from torch import Tensor

    from lamella.images.images import Images
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


def cut(images: Images, places: Sequence[Place], side: int) -> Pixels:
    """Those squares as sRGB bytes, (place, side, side, 3)."""
    found = np.empty((len(places), side, side, 3), np.uint8)
    for at, (image, top, left) in enumerate(places):
        found[at] = images.pixels(image)[top : top + side, left : left + side]
    return found


def in_batches(
    model: Model, pixels: Pixels, see: Callable[[Tensor], list[Tensor]]
) -> list[NDArray[np.float32]]:
    """What `see` says of images, in batches of always the same size: the last one is padded.

    An image's numbers must not depend on how many others there are.

    Args:
        model: whose device is used.
        pixels: sRGB bytes, (image, row, column, 3).
        see: takes images in [0, 1], (image, 3, row, column), to tensors with a row per image.
    """
    import torch

    batch = 128 if model.device.type == "cuda" else 32
    parts = []
    for first in range(0, len(pixels), batch):
        part = pixels[first : first + batch]
        padded = np.concatenate([part, np.repeat(part[-1:], batch - len(part), axis=0)])
        with torch.inference_mode():
            shown = torch.from_numpy(padded).to(model.device).permute(0, 3, 1, 2).float() / 255
            parts.append([values[: len(part)].float().cpu().numpy() for values in see(shown)])
    return [np.concatenate(values) for values in zip(*parts, strict=True)]
