"""The images that excite each channel least, and those that drive it below zero."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lamella.survey.collector import Extent
from lamella.survey.extremes import Extremes
from lamella.survey.summary import Summary


class Bottom(Extremes):
    """The weakest images of each channel: smallest peak first, and where in the image it is.

    The peak, as of the strongest ones, not the smallest activation: an image is weak where nothing
    in it excites the channel. Wanted for strata of activation and for the machine interpretability
    score, which asks whether weak can be told from strong (Zimmermann, Klindt and Brendel 2024,
    "Measuring Mechanistic Interpretability at Scale Without Humans").
    """

    name: ClassVar[str] = "bottom"
    sign: ClassVar[int] = -1


class Lowest(Extremes):
    """The most negative activation of each image, most negative first; only in signed layers."""

    name: ClassVar[str] = "lowest"
    sign: ClassVar[int] = -1

    @classmethod
    def suits(cls, extent: Extent) -> bool:
        return extent.signed

    def values(self, summary: Summary) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        return summary.low, summary.low_position
