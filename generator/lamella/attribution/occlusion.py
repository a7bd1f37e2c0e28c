"""Occlusion: what becomes of a score while a patch covers one place of the image after another.

Flow: scores, mask_grid -> **occlusion** -> compute, unit_attribution. A network needs no gradient
for it, and nothing is assumed of how it works.

The patch has the mean colour of the images that the network was trained with, at which its input is
zero. captum's `Occlusion` adds up what windows that overlap do to a pixel; here each mask keeps a
number of its own, which can be pointed at.

Source: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lamella.attribution.scores import chosen, probabilities, scores
from lamella.network.model import Model
from lamella.network.units import Box
from lamella.numbers.mask_grid import grid as grid  # part of what occlusion is asked

BATCH = {"cpu": 16, "cuda": 128}  # masked images that run together
NOTHING = Box(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Occluded:
    """Probabilities of some classes.

    Attributes:
        before: of the image as it is, (image, class).
        under: under each mask, (image, class, row, column).
    """

    before: Tensor
    under: Tensor


def mean_colour(model: Model) -> Tensor:
    """The image at whose values the network's input is zero, (plane,)."""
    planes = model.planes
    low, high, mean = (torch.tensor(each) for each in (planes.low, planes.high, planes.mean))
    colour = (mean - low) / (high - low)
    return (colour.flip(0) if planes.flipped else colour).to(model.device)


def hidden(edges: Tensor, height: int, width: int) -> Tensor:
    """Which pixels lie under each mask, (mask, 1, row, column).

    Args:
        edges: of each mask, (mask, 4): its first row, the row behind it, likewise columns.
    """
    down = torch.arange(height, device=edges.device)
    across = torch.arange(width, device=edges.device)
    top, bottom, left, right = edges[:, :, None].unbind(1)
    rows = (down >= top) & (down < bottom)
    columns = (across >= left) & (across < right)
    return rows[:, None, :, None] & columns[:, None, None, :]


def covered(shown: Tensor, edges: Tensor, colour: Tensor) -> Tensor:
    """Images, each under a mask of its own.

    Args:
        shown: (image, 3, row, column).
        edges: of each image's mask; see `hidden`.
        colour: of the masks, (3,).
    """
    under = hidden(edges.to(shown.device), shown.shape[2], shown.shape[3])
    return torch.where(under, colour[:, None, None], shown)


def edges_of(boxes: Sequence[Box]) -> Tensor:
    """Masks in the form that `covered` reads, (mask, 4)."""
    rows = [(box.top, box.top + box.height, box.left, box.left + box.width) for box in boxes]
    return torch.tensor(rows, dtype=torch.int64).reshape(-1, 4)


def under_masks(
    model: Model,
    shown: Tensor,
    boxes: Sequence[Box],
    read: Callable[[Tensor, Tensor], Tensor],
    batch: int | None = None,
) -> Tensor:
    """Anything that is read off images under masks, (image, mask, ...).

    Images and masks share batches of one fixed size: memory does not grow with either, and no
    result depends on how many there are.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column).
        read: what is wanted of masked images, (entry, ...), given them, (entry, 3, row, column),
            and the numbers of the images that they were, (entry,).
        batch: masked images that run together.
    """
    batch = batch or BATCH.get(model.device.type, BATCH["cpu"])
    colour, edges = mean_colour(model), edges_of(boxes)
    entries = torch.arange(len(shown) * len(boxes))
    found: list[Tensor] = []
    with torch.no_grad():
        for first in range(0, len(entries), batch):
            run = entries[first : first + batch]
            padded = torch.cat([run, run[-1:].expand(batch - len(run))])
            images, masks = padded // len(boxes), padded % len(boxes)
            of = images.to(shown.device)
            values = read(covered(shown[of], edges[masks], colour), of)
            found.append(values[: len(run)].float())
    whole = torch.cat(found)
    return whole.reshape(len(shown), len(boxes), *whole.shape[1:])


def occlusion(
    model: Model,
    shown: Tensor,
    classes: Tensor,
    patch: int,
    stride: int,
    *,
    batch: int | None = None,
) -> Occluded:
    """The probability of some classes without and under each mask of a `grid`.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column).
        classes: (image, k), int64; one pass serves all of an image's.
        patch, stride: see `grid`.
        batch: masked images that run together.
    Raises:
        ModelError: the patch does not fit the image, or there is no such class.
    """
    masks = grid((shown.shape[2], shown.shape[3]), patch, stride)
    wanted = classes.to(model.device)

    def read(images: Tensor, numbers: Tensor) -> Tensor:
        return chosen(probabilities(scores(model, images).float()), wanted[numbers])

    found = under_masks(model, shown.to(model.device), (NOTHING, *masks.boxes), read, batch)
    under = found[:, 1:].movedim(1, 2).reshape(*classes.shape, masks.rows, masks.columns)
    return Occluded(before=found[:, 0], under=under)
