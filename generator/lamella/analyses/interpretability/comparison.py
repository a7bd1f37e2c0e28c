"""What the units of a layer are compared with: their own photographs, and those of others.

Flow: survey + pictures -> **comparison** -> tasks, path_similarity. What a unit is measured
against depends on the seed and the photographs alone: the others are drawn from all units of the
layer, whichever are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from lamella.analyses.interpretability.patches import Examples, Place, examples
from lamella.analyses.interpretability.score import FEWEST
from lamella.figures.published import PICTURE
from lamella.network.units import Layer, Unit
from lamella.store.facts import EXAMPLES

if TYPE_CHECKING:
    from lamella.analyses.job import Job

OTHERS = 16  # units that a unit is compared with


@dataclass(frozen=True)
class Comparison:
    """One layer, ready to be measured.

    Attributes:
        job: the network and the photographs.
        layer: the layer.
        size: height and width of the photographs.
        side: of the made pictures, in pixels, and of the squares that are compared with them.
        examples: of each channel, its strong and its weak photographs.
        others: the channels whose photographs every unit is compared with, ascending.
        photographs: numbers of those that the survey could decode, ascending.
    """

    job: Job
    layer: Layer
    size: tuple[int, int]
    side: int
    examples: tuple[tuple[Examples, Examples], ...]
    others: tuple[int, ...]
    photographs: tuple[int, ...]

    @classmethod
    def of(cls, job: Job, layer: Layer) -> Self:
        """Read what the store knows of a layer that was surveyed and has pictures."""
        facts = job.atlas.layer(layer)
        survey, size = facts.of("survey"), job.model.facts.size
        found = tuple(
            examples(survey, layer, channel, facts.photographs) for channel in range(layer.channels)
        )
        sheet = facts.of(PICTURE[0]).sheets.get(PICTURE[1])
        side = min(*size, sheet.width) if sheet else min(size)
        able = [at for at, kinds in enumerate(found) if enough(kinds)]
        random = np.random.default_rng(Unit(layer.name, -1).seed(job.seed))
        others = sorted(random.permutation(able)[:OTHERS].tolist())
        numbers = np.union1d(survey["top_image"][:, :EXAMPLES], survey["bottom_image"])
        photographs = tuple(numbers[numbers >= 0].tolist())
        return cls(job, layer, size, side, found, tuple(others), photographs)

    def places(self, channel: int, side: int) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
        """Squares of a unit's strong and of its weak photographs."""
        strong, weak = (
            found.places(self.layer, side, self.size) for found in self.examples[channel]
        )
        return strong, weak

    def able(self, channel: int) -> bool:
        """Whether a unit has photographs enough to be examined."""
        return enough(self.examples[channel])


def enough(kinds: tuple[Examples, Examples]) -> bool:
    """Whether there are strong and weak photographs enough for a task."""
    return all(len(found.images) >= FEWEST for found in kinds)
