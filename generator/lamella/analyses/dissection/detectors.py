"""Which concept a unit detects, if any: chosen on one half of the scenes, measured on the other.

Flow: overlap -> **detectors** -> compute. Pure arithmetic. The best of many concepts looks good by
chance on the scenes that it was chosen on; on scenes of other instances chance does not help.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.dissection.thresholds import SHARE

RANKED = 5  # concepts that are kept for each unit
# What more positions exceed than twice the share that it is set for is no threshold: the unit
# hardly varies, or has that very value too often.
TOO_MANY = 2 * SHARE


@dataclass(frozen=True, slots=True)
class HalfCounts:
    """What was counted on one half of the scenes; shapes as in `overlap`.

    Attributes:
        both: (channel, concept).
        marked: (channel, kind).
        pixels, images: (concept,).
    """

    both: NDArray[np.int64]
    marked: NDArray[np.int64]
    pixels: NDArray[np.int64]
    images: NDArray[np.int64]

    def iou(self, kinds: Sequence[int]) -> NDArray[np.float64]:
        """Intersection over union, (channel, concept); 0 where there is neither.

        As in the paper, what a unit marks counts only in images that have a concept of that kind:
        elsewhere nobody looked for it.

        Args:
            kinds: the kind of each concept.
        """
        union = self.marked[:, list(kinds)] + self.pixels - self.both
        found: NDArray[np.float64] = np.where(union > 0, self.both / np.maximum(union, 1), 0.0)
        return found


@dataclass(frozen=True, slots=True)
class Detections:
    """What the units of a layer detect.

    Attributes:
        concept: the best concepts of each unit on the half for choosing, best first,
            (unit, RANKED); -1 for none.
        chosen, measured: their IoU on the half for choosing and on the other.
        detects: the concept that each unit is assigned; -1 for none.
        live: whether a unit has a threshold at all.
    """

    concept: NDArray[np.int32]
    chosen: NDArray[np.float32]
    measured: NDArray[np.float32]
    detects: NDArray[np.int32]
    live: NDArray[np.bool_]


def eligible(choose: HalfCounts, measure: HalfCounts, least: int) -> NDArray[np.bool_]:
    """Concepts that enough images of both halves show."""
    found: NDArray[np.bool_] = (choose.images >= least) & (measure.images >= least)
    return found


def detect(
    choose: HalfCounts,
    measure: HalfCounts,
    kinds: Sequence[int],
    allowed: NDArray[np.bool_],
    live: NDArray[np.bool_],
    least_iou: float,
) -> Detections:
    """The concept of each unit, if it detects one.

    Args:
        kinds: the kind of each concept.
        allowed: concepts that may be chosen.
        live: units that have a threshold.
        least_iou: what the IoU on the half for measuring must exceed; .04 in the paper.
    """
    first, second = choose.iou(kinds), measure.iou(kinds)
    first = np.where(allowed[None, :] & live[:, None], first, -1.0)
    units = len(first)
    kept = min(RANKED, first.shape[1])
    order = np.argsort(-first, axis=1, kind="stable")[:, :kept]
    concept = np.full((units, RANKED), -1, np.int32)
    chosen, measured = (np.zeros((units, RANKED), np.float32) for _ in range(2))
    best = np.take_along_axis(first, order, axis=1)
    concept[:, :kept] = np.where(best > 0, order, -1)
    chosen[:, :kept] = np.maximum(best, 0)
    measured[:, :kept] = np.where(best > 0, np.take_along_axis(second, order, axis=1), 0)
    passes = (concept[:, 0] >= 0) & (measured[:, 0] > least_iou)
    return Detections(
        concept, chosen, measured, np.where(passes, concept[:, 0], -1).astype(np.int32), live
    )


def has_threshold(thresholds: NDArray[np.float32], share: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Units that can be on or off: above a threshold that is not zero, at few positions, not at
    none.

    Args:
        share: of the positions that lie above it, counted.
    """
    found: NDArray[np.bool_] = (thresholds > 0) & (share > 0) & (share <= TOO_MANY)
    return found
