"""What a network answers to many images, counted per class.

Flow: probabilities of a batch -> **tally** -> compute -> store. Its size depends on the numbers of
classes and labels, not on how many images there are. Any split of the images into batches gives
the same, sums up to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.predictions.class_sums import DENSE, ClassSums
from lamella.analyses.predictions.stored import FIRST, KEPT

CONFUSED = 5  # other classes of each class
BINS = 20  # of the first answer's probability
ANSWERS = 64  # outputs of each label that are kept

Arrays = dict[str, NDArray[Any]]


class Tally:
    """Counts, sums and best images so far.

    Args:
        classes: outputs of the network, two at least.
        labels: how many different labels the images have.
        dense: entries up to which there is a full table; see `ClassSums`.

    Attributes:
        beside: by first answer, the probabilities of the other classes.
        by_label: by label, how often each class is the first answer.
    """

    fields = (
        *("count", "second", "total", "own", "sure", "labelled"),
        *("top_image", "top_probability", "first_image", "first_probability"),
    )

    def __init__(self, classes: int, labels: int, dense: int = DENSE) -> None:
        self.count = np.zeros(classes, np.int64)
        self.second = np.zeros(classes, np.int64)
        self.total = np.zeros(classes, np.float64)
        self.own = np.zeros(classes, np.float64)
        self.sure = np.zeros((classes, BINS), np.int64)
        self.top_image = np.full((classes, KEPT), -1, np.int64)
        self.top_probability = np.full((classes, KEPT), -1.0, np.float32)
        self.first_image = np.full((classes, FIRST), -1, np.int64)
        self.first_probability = np.full((classes, FIRST), -1.0, np.float32)
        self.labelled = np.zeros(labels, np.int64)
        self.beside = ClassSums(classes, classes, dense)
        self.by_label = ClassSums(labels, classes, dense)

    def update(
        self, numbers: NDArray[np.int64], labels: NDArray[np.int64], shares: NDArray[np.float32]
    ) -> None:
        """Take in a batch.

        Args:
            numbers: of its images, ascending over all batches.
            labels: their labels by number, -1 for none.
            shares: probabilities, (image, class).
        """
        every = np.arange(len(shares))
        first = shares.argmax(axis=1)
        others = shares.astype(np.float64)
        probability = others[every, first]
        self.total += others.sum(axis=0)
        others[every, first] = -1
        second = others.argmax(axis=1)
        others[every, first] = 0
        np.add.at(self.count, first, 1)
        np.add.at(self.second, second, 1)
        np.add.at(self.own, first, probability)
        bins = (probability * BINS).astype(np.int64).clip(0, BINS - 1)
        np.add.at(self.sure, (first, bins), 1)
        _join(self.top_image, self.top_probability, numbers, shares)
        only = np.full_like(shares, -1)
        only[every, first] = shares[every, first]
        _join(self.first_image, self.first_probability, numbers, only)
        one = np.zeros(shares.shape[1])
        for at, (winner, label) in enumerate(zip(first.tolist(), labels.tolist(), strict=True)):
            self.beside.add(winner, others[at])
            if label >= 0:
                self.labelled[label] += 1
                one[winner] = 1
                self.by_label.add(label, one)
                one[winner] = 0

    @property
    def images(self) -> int:
        """How many were taken in."""
        return int(self.count.sum())

    def finish(self) -> Arrays:
        """The facts, with a row per class."""
        confused, sums = self.beside.largest(CONFUSED)
        number = np.maximum(self.count, 1)
        return {
            "count": self.count,
            "second_count": self.second,
            "mean_probability": (self.total / max(1, self.images)).astype(np.float32),
            "own_probability": (self.own / number).astype(np.float32),
            "sure": self.sure.astype(np.int32),
            "top_image": self.top_image.astype(np.int32),
            "top_probability": self.top_probability,
            "first_image": self.first_image.astype(np.int32),
            "first_probability": self.first_probability,
            "confused": confused,
            "confused_probability": (sums / number[:, None]).astype(np.float32),
        }

    def label_answers(self) -> list[dict[str, Any]]:
        """For each label: its images, and the outputs that they are taken for, most first."""
        classes, counts = self.by_label.largest(min(ANSWERS, len(self.count)))
        return [
            {
                "images": int(self.labelled[label]),
                "outputs": [int(c) for c in classes[label] if c >= 0],
                "counts": [int(n) for n in counts[label] if n > 0],
            }
            for label in range(len(self.labelled))
        ]

    @property
    def _sums(self) -> dict[str, ClassSums]:
        """The tables, under their names in a checkpoint."""
        return {"rivals": self.beside, "answers": self.by_label}

    def state(self) -> Arrays:
        """All of it, to be stored."""
        found: Arrays = {name: getattr(self, name) for name in self.fields}
        for table, sums in self._sums.items():
            found |= {f"{table}/{name}": getattr(sums, name) for name in ClassSums.fields}
        return found

    def restore(self, state: Mapping[str, NDArray[Any]]) -> bool:
        """Go on from what `state` gave; False, and nothing done, where it is of something else."""
        own = self.state()
        if any(name not in state or state[name].shape != own[name].shape for name in own):
            return False
        for name, value in state.items():
            table, _, plain = name.rpartition("/")
            setattr(self._sums[table] if table else self, plain, value)
        return True


def _join(
    image: NDArray[np.int64],
    share: NDArray[np.float32],
    numbers: NDArray[np.int64],
    shares: NDArray[np.float32],
) -> None:
    """Put the images of a batch into the lists of the classes, `(class, place)`, the largest first.

    Equal probabilities by the images' numbers.

    Args:
        shares: (image, class); below zero where an image is not to be listed.
    """
    best = shares.max(axis=0)
    touched = np.flatnonzero((best >= share[:, -1]) & (best >= 0))
    given = shares[:, touched].T
    values = np.concatenate([share[touched], given], axis=1)
    images = np.concatenate([image[touched], np.where(given >= 0, numbers, -1)], axis=1)
    order = np.lexsort((images, -values), axis=1)[:, : image.shape[1]]
    share[touched] = np.take_along_axis(values, order, axis=1)
    image[touched] = np.take_along_axis(images, order, axis=1)
