"""The images that excite each channel most."""

from typing import ClassVar

from lamella.survey.extremes import Extremes


class Top(Extremes):
    """The strongest images of each channel: largest peak first, and where in the image it is.

    Twice as many as a page shows, so that what a unit answers to can be told into kinds.
    """

    name: ClassVar[str] = "top"
    kept: ClassVar[int] = 24
