"""The images that excite each channel most."""

from typing import ClassVar

from lamella.survey.extremes import Extremes


class Top(Extremes):
    """The strongest images of each channel: largest peak first, and where in the image it is.

    Starts from minus infinity, so that channels that are never positive have examples too.
    """

    name: ClassVar[str] = "top"
    sign: ClassVar[int] = 1
