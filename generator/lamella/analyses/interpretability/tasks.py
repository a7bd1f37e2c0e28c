"""The tasks for the units of one layer: what explains each, and whether it tells photographs apart.

Flow: comparison + texture + score -> **tasks** -> compute. Each unit's tasks are done three times
with the same photographs: explained by its picture, by its own photographs, and by those of others,
which explain nothing and must come out near one half. (The picture of another unit does a little
better, in 50 to 58 % of the tasks of four layers of SqueezeNet: made pictures have something of
their own in common. It is not stored, for a score must not wait for the pictures of others.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.interpretability.comparison import Comparison
from lamella.analyses.interpretability.patches import Pixels, Place, cut, drawn, in_batches
from lamella.analyses.interpretability.path_similarity import pooled
from lamella.analyses.interpretability.score import (
    Similarity,
    Tasks,
    Vectors,
    margins,
    score,
    tasks,
)
from lamella.analyses.interpretability.stored import KINDS, RIGHT, SCORE, number
from lamella.analyses.interpretability.texture import VISIBLE, levels_of, texture
from lamella.network.units import Unit

if TYPE_CHECKING:
    from torch import Tensor

SQUARES = 256  # from which the similarity takes its scales
NARROW = 16  # pixels: in less, no texture can be seen


class LayerTasks:
    """The similarity of images for one layer, and the tasks for its units.

    Attributes:
        window: side of the squares that are compared, in pixels: what a unit sees, but never more
            than the pictures show; as much as these where the network compares.
    """

    def __init__(self, comparison: Comparison, count: int, similarity: str) -> None:
        self.comparison, self.count = comparison, count
        self.by_network = similarity == "network"
        layer, side = comparison.layer, comparison.side
        seen = layer.field.size if layer.field and not self.by_network else side
        self.window = min(side, max(seen, NARROW))
        self._features: dict[Place, Vectors] = {}
        least = 1e-6 if self.by_network else VISIBLE
        plain = Similarity.of(self.features(self._anywhere()), least)
        # Twice: the first finds what the strong photographs of all units have in common.
        self.similarity = plain.without(self._contrasts(plain))
        self.contrasts = self._contrasts(self.similarity)

    def _anywhere(self) -> list[Place]:
        """Squares anywhere in the photographs."""
        at = self.comparison
        random = np.random.default_rng(Unit(at.layer.name, -2).seed(at.job.seed))
        images = random.choice(at.photographs, SQUARES).tolist()
        corners = random.integers(0, np.array(at.size) - self.window + 1, (SQUARES, 2)).tolist()
        return [Place(image, *corner) for image, corner in zip(images, corners, strict=True)]

    def _contrasts(self, similarity: Similarity) -> Vectors:
        """How the strong photographs of others differ from weak ones, (other, feature)."""
        found = np.zeros((len(self.comparison.others), similarity.centre.size), np.float32)
        for row, channel in enumerate(self.comparison.others):
            strong, weak = self._vectors(similarity, channel)
            found[row] = strong.mean(axis=0) - weak.mean(axis=0)
        return found

    def _vectors(self, similarity: Similarity, channel: int) -> tuple[Vectors, Vectors]:
        """A unit's strong and weak photographs as vectors, see `Similarity.vectors`."""
        strong, weak = self.comparison.places(channel, self.window)
        return similarity.vectors(self.features(strong)), similarity.vectors(self.features(weak))

    def features(self, places: Sequence[Place]) -> Vectors:
        """Features of squares of photographs, (place, feature); each is worked out once."""
        fresh = [place for place in dict.fromkeys(places) if place not in self._features]
        if fresh:
            images = self.comparison.job.images
            read = images.values if self.by_network else images.pixels
            found = self._measured(cut(read, fresh, self.window))
            self._features.update(zip(fresh, found, strict=True))
        return np.stack([self._features[place] for place in places])

    def _measured(
        self, pixels: NDArray[Any], shown: Callable[[NDArray[Any]], Tensor] | None = None
    ) -> Vectors:
        model = self.comparison.job.model
        if self.by_network:
            return pooled(model, [self.comparison.layer], pixels, shown)[0]
        levels = levels_of(self.window)
        return in_batches(model, pixels, lambda images: [texture(images, levels)])[0]

    def scores(
        self, channels: Sequence[int], pictures: Mapping[int, Pixels]
    ) -> dict[str, NDArray[np.float32]]:
        """`SCORE` and `RIGHT` of each kind, (unit,), NaN where it is not known.

        The first is the machine interpretability score; the second the share of the tasks whose
        margin is above zero, which does not depend on the slope.

        Args:
            pictures: sRGB bytes, (row, column, 3), of those units that have one.
        """
        found = {
            number(measure, kind): np.full(len(channels), np.nan, np.float32)
            for measure in (SCORE, RIGHT)
            for kind in KINDS
        }
        able = [channel for channel in channels if self.comparison.able(channel)]
        asked = [self.comparison.places(channel, self.window) for channel in able]
        if asked:  # all at once: full batches
            self.features([place for kinds in asked for places in kinds for place in places])
        with_picture = [channel for channel in able if channel in pictures]
        vectors: dict[int, Vectors] = {}
        if with_picture:
            made = np.stack([pictures[channel] for channel in with_picture])
            features = self._measured(made, partial(drawn, self.comparison.job.model))
            # One by one: a matrix product's last digits depend on how many rows it has.
            vectors = {
                channel: self.similarity.vectors(features[at : at + 1])
                for at, channel in enumerate(with_picture)
            }
        for row, channel in enumerate(channels):
            if channel in able:
                for kind, margin in self._margins(channel, vectors.get(channel)).items():
                    found[number(SCORE, kind)][row] = score(margin)
                    found[number(RIGHT, kind)][row] = (margin > 0).mean()
        return found

    def _margins(self, channel: int, picture: Vectors | None) -> dict[str, Vectors]:
        """The margins of a unit's tasks, by what explains it."""
        strong, weak = self._vectors(self.similarity, channel)
        seed = Unit(self.comparison.layer.name, channel).seed(self.comparison.job.seed)
        random = np.random.default_rng(seed)
        drawn: Tasks = tasks(len(strong), len(weak), self.count, random)
        asked = strong[drawn.strong] - weak[drawn.weak]
        without = drawn.weak_shown @ weak
        found = {"natural": margins(asked, drawn.strong_shown @ strong - without)}
        if picture is not None:
            found["picture"] = margins(asked, picture - without)
        others = [row for row, other in enumerate(self.comparison.others) if other != channel]
        if others:
            found["shuffled"] = margins(asked, self.contrasts[random.choice(others, self.count)])
        return found
