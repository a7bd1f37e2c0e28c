"""Which images have a page: those that the user named, else a few that the network is sure of.

Flow: atlas.toml + images + model -> **choice** -> compute. Of the latter ones, each is taken for
something else, and some doubt is left. Images are numbered by their digests, so that an even spread
of them is a random sample, and the same one wherever they lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.analyses.layer_activations.stored import DOCUMENT
from lamella.attribution.scores import probabilities, scores
from lamella.errors import ModelError
from lamella.images.decoding import BrokenImage

if TYPE_CHECKING:
    from lamella.analyses.job import Job
    from lamella.network.model import Model

WHERE = "[panels.layer_activations] images"
CHOSEN = 3
LOOKED_AT = 48  # images that the network is asked about, at most
SURE = 0.9  # probability that is sure, and leaves something to others


def named(job: Job) -> list[int]:
    """The numbers of the images that the user named.

    Raises:
        LamellaError: one of them is not there, or cannot be shown.
    """
    return job.images.named(job.settings.images or (), WHERE)


def chosen(job: Job) -> list[int]:
    """The numbers of the images that have a page; those that nobody named are chosen once."""
    if job.settings.images is not None:
        return named(job)
    document = job.recall(DOCUMENT)
    if document is None:
        document = {"images": confident(job)}
        job.remember(DOCUMENT, document)
    return [int(number) for number in document["images"]]


def confident(job: Job) -> list[int]:
    """A few images that the network is sure of, with different answers and labels if it can be."""
    labels = [photograph.label for photograph in job.images.manifest.photographs]
    spread = np.linspace(0, len(job.images) - 1, min(LOOKED_AT, len(job.images)))
    answers = list(_answers(job, sorted({round(number) for number in spread.tolist()})))
    answers.sort(key=lambda found: (abs(found[1] - SURE), found[0]))
    kept: list[tuple[int, int]] = []
    for rule in (("answer", "label"), ("answer",), ()):
        for number, _, answer in answers:
            free = all(
                number != other
                and ("answer" not in rule or answer != others_answer)
                and ("label" not in rule or labels[number] != labels[other])
                for other, others_answer in kept
            )
            if free and len(kept) < CHOSEN:
                kept.append((number, answer))
    return sorted(number for number, _ in kept)


def _answers(job: Job, numbers: Sequence[int]) -> Iterator[tuple[int, float, int]]:
    """For each image that can be decoded: how sure the network is, and of which output."""
    for number in numbers:
        try:
            found = class_scores(job.model, job.images.values(number))
        except BrokenImage:
            continue
        if found is None:
            yield number, 0.0, number  # no answers to compare: labels decide
        else:
            shares = probabilities(found[None])[0].numpy()
            yield number, float(shares.max()), int(shares.argmax())


@torch.inference_mode()
def class_scores(model: Model, values: NDArray[Any]) -> Tensor | None:
    """The network's output for one image, float64, `(output,)`; None where it is no plain vector.

    Args:
        values: of an image, as `Images.values` gives them.
    """
    try:
        found = scores(model, model.shown(values[None])).double().cpu()
    except ModelError:
        return None
    return found[0] if len(found) == 1 and bool(found.isfinite().all()) else None
