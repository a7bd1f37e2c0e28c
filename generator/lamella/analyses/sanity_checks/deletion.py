"""What becomes of the probability when the pixels that a map calls important go, or come.

Flow: maps -> **deletion** -> compute. Pixels are taken in the order of the map, the most positive
first. *Deletion*: they get the network's mean colour; the sooner the probability falls, the better
the map. *Insertion*: the image is blurred and they become sharp; the sooner it rises, the better.
The area under each curve, over the share of pixels, is one number.

Maps that are coarser than the image are stretched over it, bilinear. Equal values, the many zeros
of a Grad-CAM say, come in random order. What any order would do is measured beside: random pixels,
random squares (as coarse as coarse maps), and from the centre outwards.

Source: Petsiuk, Das and Saenko 2018, "RISE", arXiv:1806.07421, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lamella.analyses.sanity_checks.stored import SHARES
from lamella.attribution.occlusion import mean_colour
from lamella.attribution.scores import chosen, probabilities, scores
from lamella.figures.heat import smooth
from lamella.network.model import Model
from lamella.numbers.rank_correlation import Maps

SQUARES = 14  # along a side of the image
BLUR = 1 / 16  # standard deviation, in sides of the image: what it hides is not recognised
BATCH = {"cpu": 16, "cuda": 128}
Places = NDArray[np.int32]


def places(values: Maps, random: np.random.Generator) -> Places:
    """The place of each pixel in the order from the largest to the smallest, (row, column).

    Equal values come in random order; what is not finite comes last.
    """
    flat = np.where(np.isfinite(values), values, -np.inf).reshape(-1)
    mixed = random.permutation(flat.size)
    order = mixed[np.argsort(-flat[mixed], kind="stable")]
    found = np.empty(flat.size, np.int32)
    found[order] = np.arange(flat.size, dtype=np.int32)
    return found.reshape(values.shape)


def stretched(values: Maps, size: tuple[int, int]) -> Maps:
    """A map with a number for each pixel: bilinear where it is coarser than the image."""
    return values if values.shape == size else smooth(values, size)


def baselines(size: tuple[int, int], random: np.random.Generator) -> list[Places]:
    """The orders that know nothing, as in `stored.BASELINES`."""
    pixels = places(np.zeros(size, np.float32), random)
    squares = random.permutation(SQUARES**2).reshape(SQUARES, SQUARES).astype(np.float32)
    rows, columns = (np.arange(side) * SQUARES // side for side in size)
    return [pixels, places(squares[rows[:, None], columns], random), places(centred(size), random)]


def centred(size: tuple[int, int]) -> Maps:
    """A Gaussian around the image's centre; only its order counts."""
    rows, columns = ((np.arange(side) + 0.5) / side - 0.5 for side in size)
    found: Maps = np.exp(-(rows[:, None] ** 2 + columns**2) / 0.125).astype(np.float32)
    return found


def blurred(shown: Tensor) -> Tensor:
    """The images behind a Gaussian blur, beyond the border as at the border."""
    planes = shown.shape[1]
    for axis in (2, 3):
        sigma = BLUR * shown.shape[axis]
        reach = min(int(3 * sigma + 0.5), shown.shape[axis] - 1)
        steps = torch.arange(-reach, reach + 1, device=shown.device, dtype=shown.dtype)
        weights = torch.exp(-(steps**2) / (2 * sigma**2))
        shape = (1, 1, -1, 1) if axis == 2 else (1, 1, 1, -1)
        kernel = (weights / weights.sum()).reshape(shape).expand(planes, 1, *shape[2:])
        pad = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
        shown = functional.conv2d(
            functional.pad(shown, pad, mode="replicate"), kernel.contiguous(), groups=planes
        )
    return shown


def curves(
    model: Model,
    image: Tensor,
    output: int,
    orders: Sequence[Places],
    shares: Sequence[float] = SHARES,
) -> NDArray[np.float32]:
    """The probability of a class along deletion and insertion, (2, order, share), of one image.

    Args:
        image: sRGB in [0, 1], (3, row, column).
        output: the class.
        orders: the place of each pixel, (row, column), from 0.
        shares: how many of the pixels are gone, or there; ascending.
    """
    ranks = torch.from_numpy(np.stack(orders)).to(image.device)
    pixels = ranks[0].numel()
    plain = mean_colour(model)[:, None, None].expand_as(image)
    pairs = ((plain, image), (image, blurred(image[None])[0]))  # what comes, what is replaced
    wanted = [
        (way, at, round(share * pixels))
        for way in range(2)
        for at in range(len(orders))
        for share in shares
    ]
    # With nothing or everything exchanged all orders are one.
    distinct = dict.fromkeys(
        (way, at if 0 < count < pixels else 0, count) for way, at, count in wanted
    )
    probability: dict[tuple[int, int, int], float] = {}
    batch = BATCH.get(model.device.type, BATCH["cpu"])
    todo = list(distinct)
    with torch.no_grad():
        for first in range(0, len(todo), batch):
            run = todo[first : first + batch]
            made = [
                torch.where(ranks[at] < count, pairs[way][0], pairs[way][1])
                for way, at, count in run
            ]
            # One batch size for all: a result does not depend on how many orders there are.
            made += [made[-1]] * (batch - len(made))
            found = probabilities(scores(model, torch.stack(made)).float())
            classes = torch.full((batch, 1), output, device=found.device)
            probability |= dict(zip(run, chosen(found, classes)[:, 0].tolist(), strict=False))
    values = [probability[way, at if 0 < count < pixels else 0, count] for way, at, count in wanted]
    return np.array(values, np.float32).reshape(2, len(orders), len(shares))
