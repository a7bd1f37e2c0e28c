"""Whose maps are tested: a few images that the network is sure of, and those that have masks.

Flow: images + model -> **choice** -> compute. What is explained of an image is the trained
network's first answer, whatever it is, and stays that when its weights become random.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lamella.attribution.scores import probabilities, scores
from lamella.images.decoding import BrokenImage
from lamella.images.images import Images
from lamella.network.model import Model

LOOKED_AT = 96  # images that the network is asked about, at most
SURE = 0.5  # of a less probable answer little is left to take away
BATCH = 16


@dataclass(frozen=True)
class AnsweredImages:
    """Images to explain, as they are shown to the network, with its answers.

    Attributes:
        numbers: of the images.
        shown: (image, 3, row, column), sRGB in [0, 1].
        classes: the network's first and second answer, (image, 2), int64.
        probability: of the first.
    """

    numbers: tuple[int, ...]
    shown: Tensor
    classes: Tensor
    probability: tuple[float, ...]


def answered_images(
    model: Model, images: Images, wanted: Sequence[int]
) -> Iterator[AnsweredImages]:
    """Images in batches, with the network's answers; without one, and broken, they are left out."""
    for batch in images.batches(BATCH, only=wanted, skipped={}):
        shown = model.shown(batch.values)
        with torch.inference_mode():
            shares = probabilities(scores(model, shown).float()).cpu()
        sound = torch.isfinite(shares).all(dim=1)  # NaN scores are no answer
        shown, shares = shown[sound.to(shown.device)], shares[sound]
        if not len(shares):
            continue
        # Equal scores by number: an argument sort that is stable, as everywhere.
        order = shares.sort(dim=1, descending=True, stable=True)
        yield AnsweredImages(
            tuple(n for n, own in zip(batch.numbers, sound.tolist(), strict=True) if own),
            shown,
            order.indices[:, :2].clone(),
            tuple(order.values[:, 0].tolist()),
        )


def confident_images(
    model: Model, images: Images, count: int, masked: Sequence[int] = ()
) -> list[int]:
    """Images that the network is sure of, with different answers if it can be; fewer if there are.

    They are chosen among those that have masks, if these are enough. Images are numbered by their
    digests: an even spread of them is a random sample.
    """
    every = range(len(images)) if len(masked) < 2 * count else sorted(masked)
    spread = np.linspace(0, len(every) - 1, min(max(LOOKED_AT, 2 * count), len(every)))
    asked = sorted({every[round(place)] for place in spread.tolist()})
    seen = [
        (number, share, int(answer))
        for found in answered_images(model, images, asked)
        for number, share, answer in zip(
            found.numbers, found.probability, found.classes[:, 0].tolist(), strict=True
        )
    ]
    chosen: list[int] = []
    answers: set[int] = set()
    for sure, new in ((True, True), (True, False), (False, False)):
        for number, share, answer in sorted(seen, key=lambda each: -each[1] if not sure else 0):
            free = number not in chosen and (share >= SURE or not sure)
            if free and (answer not in answers or not new) and len(chosen) < count:
                chosen.append(number)
                answers.add(answer)
    return chosen


def readable(images: Images, wanted: Sequence[int]) -> list[int]:
    """Those of the images that can be decoded."""
    found = []
    for number in wanted:
        try:
            images.pixels(number)
        except BrokenImage:
            continue
        found.append(number)
    return found


def other_answers(classes: Tensor) -> Tensor:
    """For each image a class that it is not: the answer to the next image that has another one.

    Where all have the same, the image's own second answer.

    Args:
        classes: first and second answers, (image, 2).
    Returns:
        (image,).
    """
    firsts = classes[:, 0].tolist()
    found = []
    for at, own in enumerate(firsts):
        others = [other for other in firsts[at + 1 :] + firsts[:at] if other != own]
        found.append(others[0] if others else int(classes[at, 1]))
    return torch.tensor(found, dtype=torch.int64)
