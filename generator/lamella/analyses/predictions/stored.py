"""What the network answers to all images, as pages and other panels read it.

Flow: store -> **stored** -> view, and the analyses that rest on the answers. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.predictions.class_names import named_by
from lamella.analyses.predictions.class_sums import DENSE
from lamella.store.facts import Atlas
from lamella.store.gathering import gather
from lamella.store.store import Store, document

PANEL = "predictions"
LABELS = "labels"  # a document beside the shards: what images of each label are taken for
ABSENT = "absent"  # likewise: why there is nothing
KEPT = 12  # images of each class that are listed: the most probable of all
FIRST = 48  # likewise of those whose first answer it is

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Label:
    """The images of a label that is the name of a class.

    Attributes:
        classes: those that it names: several where they share a name.
        images: how many have it.
        right: how many of them have such a class as the first answer.
        taken: the outputs that they are taken for, with the number of images, most first.
    """

    name: str
    classes: tuple[int, ...]
    images: int
    right: int
    taken: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Answers:
    """What the network answers; rows are outputs.

    Attributes:
        names: of the outputs; "output 3" where they have none.
        named: whether they have names of their own.
        images: how many images were looked at.
        count: images whose first answer it is, `(output,)`.
        second_count: images whose second answer it is.
        mean_probability: over all images.
        own_probability: mean over the images whose first answer it is; 0 without any.
        sure: histogram of that, from 0 to 1, `(output, bin)`.
        top_image: the images that are most probably of the class, `(output, 12)`, of all images;
            -1 for none. Equal probabilities by the images' numbers.
        top_probability: theirs; -1 for none.
        first_image, first_probability: likewise of the images whose first answer it is,
            `(output, 48)`.
        confused: the other classes with the largest mean probability over the images whose first
            answer it is, `(output, 5)`; -1 for none.
        confused_probability: that mean probability.
        labels: the labels that are names of classes.
    """

    names: tuple[str, ...]
    named: bool
    images: int
    count: Counts
    second_count: Counts
    mean_probability: NDArray[np.float32]
    own_probability: NDArray[np.float32]
    sure: NDArray[np.int32]
    top_image: NDArray[np.int32]
    top_probability: NDArray[np.float32]
    first_image: NDArray[np.int32]
    first_probability: NDArray[np.float32]
    confused: NDArray[np.int32]
    confused_probability: NDArray[np.float32]
    labels: tuple[Label, ...]

    @property
    def exact(self) -> bool:
        """Whether what is said of confusion leaves nothing out."""
        return len(self.names) ** 2 <= DENSE

    @cached_property
    def seen(self) -> tuple[int, ...]:
        """The classes that are the first answer to some image, ascending."""
        return tuple(np.flatnonzero(self.count).tolist())

    @cached_property
    def by_count(self) -> tuple[int, ...]:
        """Those classes, most frequent first."""
        return tuple(sorted(self.seen, key=lambda c: (-int(self.count[c]), c)))

    def short(self, output: int) -> str:
        """The first of a class's names."""
        return self.names[output].partition(",")[0].strip() or f"output {output}"

    @cached_property
    def _taken_for(self) -> dict[int, list[tuple[int, float]]]:
        found: dict[int, list[tuple[int, float]]] = {}
        for output in self.seen:
            pairs = zip(self.confused[output], self.confused_probability[output], strict=True)
            for other, share in pairs:
                if other >= 0:
                    found.setdefault(int(other), []).append((output, float(share)))
        return {other: sorted(each, key=lambda p: (-p[1], p[0])) for other, each in found.items()}

    def confused_with(self, output: int) -> tuple[tuple[int, float], ...]:
        """The classes that come up beside it, with their mean probability."""
        pairs = zip(self.confused[output], self.confused_probability[output], strict=True)
        return tuple((int(other), float(share)) for other, share in pairs if other >= 0)

    def taken_for(self, output: int) -> tuple[tuple[int, float], ...]:
        """The other way round: the classes beside which it comes up, among their first five."""
        return tuple(self._taken_for.get(output, ()))

    @cached_property
    def accuracy(self) -> tuple[int, int]:
        """Of the images whose label names a class: how many are recognised, and how many there
        are."""
        return sum(each.right for each in self.labels), sum(each.images for each in self.labels)

    def labelled(self, output: int) -> tuple[Label, ...]:
        """The labels that name a class."""
        return tuple(each for each in self.labels if output in each.classes)


def answers(atlas: Atlas) -> Answers | None:
    """What was stored; None where nothing was, or where the network answers with no classes."""
    if PANEL not in atlas.keys:
        return None
    try:
        # A key pins what was stored under it, so it is read once.
        return _read(
            atlas.store.root, atlas.keys[PANEL], atlas.network.classes, atlas.manifest.labels
        )
    except LookupError:
        return None


def absent(atlas: Atlas) -> str:
    """Why the network has no answers of this kind; "" where it has, or where nobody looked."""
    return str(atlas.document(PANEL, ABSENT) or "")


@lru_cache(maxsize=4)
def _read(root: Path, key: str, classes: tuple[str, ...], labels: tuple[str, ...]) -> Answers:
    store = Store(root)
    folder = store.folder(PANEL, key)
    done = folder.done()
    if not done:
        raise LookupError(key)
    number = max(done) + 1
    named = len(classes) == number
    names = classes if named else tuple(f"output {at}" for at in range(number))
    counted = store.read_json(document(PANEL, key, LABELS)) or [] if named else []
    found = []
    for label, each in zip(labels, counted, strict=False):
        outputs = named_by(label, names)
        taken = tuple(zip(each["outputs"], each["counts"], strict=True))
        right = sum(count for output, count in taken if output in outputs)
        if outputs:
            found.append(Label(label, outputs, each["images"], right, taken))
    numbers = dict(gather(folder, number).numbers)
    images = int(numbers["count"].sum())
    return Answers(names, named, images, labels=tuple(found), **numbers)
