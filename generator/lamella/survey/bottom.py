"""The images that excite each channel least."""

from typing import ClassVar

from lamella.survey.extremes import Extremes


class Bottom(Extremes):
    """The weakest images of each channel: smallest peak first, and where in the image it is.

    The peak, as of the strongest ones, not the smallest activation: an image is weak where nothing
    in it excites the channel. Wanted for strata of activation and for the machine interpretability
    score, which asks whether weak can be told from strong (Zimmermann, Klindt and Brendel 2024,
    "Measuring Mechanistic Interpretability at Scale Without Humans").
    """

    name: ClassVar[str] = "bottom"
    sign: ClassVar[int] = -1
