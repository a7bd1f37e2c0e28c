"""Which images walk through the network: those that the user named, else a few telling ones.

Flow: atlas.toml + images + model -> **choice** -> steps. Telling: the network is sure of them, but
has second thoughts, and of something else each time. Images are numbered by their digests, so that
an even spread of them is a random sample, and the same one wherever they lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamella.images.decoding import BrokenImage

if TYPE_CHECKING:
    from lamella.analyses.job import Job
    from lamella.network.model import Model

WHERE = "[panels.layer_activations] images"
CHOSEN = 3
LOOKED_AT = 48  # images that the network is asked about, at most
SURE = 0.9  # probability that is sure, and leaves something to others


@dataclass(frozen=True, slots=True)
class Answer:
    """What the network says of an image: its output as a vector.

    Attributes:
        values: float64, an entry per output.
        probabilities: the same as shares of 1; outputs that already are stay as they are.
    """

    values: NDArray[np.float64]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        values = self.values
        if values.min() >= 0 and abs(values.sum() - 1) < 1e-3:
            return values
        raised = np.exp(values - values.max())
        shares: NDArray[np.float64] = raised / raised.sum()
        return shares


def telling(job: Job) -> list[int]:
    """A few images that the network is sure of, with different answers and labels if it can be."""
    labels = [photograph.label for photograph in job.images.manifest.photographs]
    spread = np.linspace(0, len(job.images) - 1, min(LOOKED_AT, len(job.images)))
    known = list(_answers(job, sorted({round(number) for number in spread.tolist()})))
    known.sort(key=lambda found: (abs(found[1] - SURE), found[0]))
    chosen: list[tuple[int, int, str]] = []
    for rule in (("answer", "label"), ("answer",), ()):
        for number, _, answer in known:
            told = (number, answer, labels[number])
            free = all(
                number != other
                and ("answer" not in rule or answer != said)
                and ("label" not in rule or labels[number] != label)
                for other, said, label in chosen
            )
            if free and len(chosen) < CHOSEN:
                chosen.append(told)
    return sorted(number for number, *_ in chosen)


def _answers(job: Job, numbers: Sequence[int]) -> Iterator[tuple[int, float, int]]:
    """For each image that can be decoded: how sure the network is, and of which output."""
    for number in numbers:
        try:
            answer = answer_to(job.model, job.images.pixels(number))
        except BrokenImage:
            continue
        if answer is None:
            yield number, 0.0, number  # no answers to compare: labels decide
        else:
            shares = answer.probabilities
            yield number, float(shares.max()), int(shares.argmax())


def answer_to(model: Model, pixels: NDArray[np.uint8]) -> Answer | None:
    """The network's output for one image, (row, column, 3); None where that is no plain vector."""
    import torch

    with torch.inference_mode():
        output = model.module(model.normalise(model.shown(pixels[None])))
        if not isinstance(output, torch.Tensor) or output.shape[:1] != (1,):
            return None
        values = output[0].double().cpu().numpy()
    plain = values.size >= 2 and values.size == values.shape[0] if values.ndim else False
    return Answer(values.reshape(-1)) if plain and np.isfinite(values).all() else None
