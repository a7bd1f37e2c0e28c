"""`[model.preprocessing]`: how a photograph becomes the network's input.

Flow: section -> **preprocessing** -> config, images, model.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from lamella.config.section import Array, Number, Positive, Section

MOST = 8192  # pixels along a side, of what is resized and of the network's input


def _extents(least: int, *words: str) -> Callable[[Any], Any]:
    """Of a value: a whole number, two in a list, or one of some words."""

    def checked(given: Any) -> Any:
        pair = isinstance(given, list | tuple) and len(given) == 2
        numbers = tuple(given) if pair else (given,)
        whole = all(isinstance(one, int) and not isinstance(one, bool) for one in numbers)
        if given in words or (whole and least <= min(numbers) and max(numbers) <= MOST):
            return numbers if pair else given
        also = "".join(f', or "{word}"' for word in words)
        raise ValueError(
            f"It should be a whole number of pixels from {least} to {MOST}, "
            f"or [height, width]{also}"
        )

    return checked


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


_AS_LIST = PlainSerializer(_plain)
Size = Annotated[int | tuple[int, int], PlainValidator(_extents(8)), _AS_LIST]
Resize = Annotated[int | tuple[int, int] | str, PlainValidator(_extents(1, "none")), _AS_LIST]

COMPONENTS = "first three principal components"


def _channels(given: Any) -> Any:
    whole = isinstance(given, int) and not isinstance(given, bool)
    if given in ("RGB", "BGR", "L") or (whole and 1 <= given <= BANDS):
        return given
    raise ValueError(f"It should be RGB, BGR, L or a number of bands, 1 to {BANDS}")


def _show(given: Any) -> Any:
    if given is None or given == COMPONENTS:
        return given
    several = isinstance(given, list | tuple) and len(given) in (1, 3)
    if several and all(type(one) is int and one > 0 for one in given):
        return tuple(given)
    raise ValueError(f'It should be one or three numbers of bands, as [3, 2, 1], or "{COMPONENTS}"')


BANDS = 1024  # of an image, at most
Channels = Annotated[Literal["RGB", "BGR", "L"] | int, PlainValidator(_channels)]
Show = Annotated[tuple[int, ...] | str | None, PlainValidator(_show), _AS_LIST]


class Preprocessing(Section):
    """`[model.preprocessing]`: how a photograph becomes the network's input."""

    resize: Resize = Field(
        default=256,
        description="Before the crop: a number for the shorter side of the photograph, in pixels; "
        "[height, width] for these exactly, whatever its proportions, which is what it is without "
        'a value where size is such a pair; "none" to leave it as it is.',
    )
    size: Size = Field(
        default=224,
        description="What is cut from its centre, in pixels: the side of a square, or [height, "
        "width]. Where the photograph is smaller, it is framed in black.",
    )
    interpolation: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] = Field(
        default="bilinear",
        description="How the photograph is resized, as torchvision's Resize does it.",
    )
    antialias: bool = Field(
        default=True,
        description="Whether it is smoothed before it is made smaller; without it, as tensors were "
        "resized by torchvision before 0.17, bilinear or bicubic alone.",
    )
    fast: bool = Field(
        default=False,
        description="Decode JPEGs at the size that is needed, and resize what is cut alone: "
        "several times as fast for large photographs, but not the pixels that the network was "
        "trained with; activations differ by some per cent.",
    )
    channels: Channels = Field(
        default="RGB",
        description="What the network takes: the order of its three colour channels; L for one "
        "channel of greys; or how many bands of numbers, which are read as they lie in .npy files, "
        "TIFFs and images of one channel.",
    )
    show: Show = Field(
        default=None,
        description="How bands are shown: the numbers, from 1, of those that are red, green and "
        "blue, as in [3, 2, 1]; of one alone, as greys; or their first three principal components, "
        "which it is without a value where there are more than three.",
    )
    scale: Positive = Field(
        default=1.0,
        description="What white is, before mean and std: 1 for [0, 1], 255 for [0, 255]. Bands "
        "have no white.",
    )
    mean: Annotated[tuple[Number, ...], Array] = Field(
        default=(0.485, 0.456, 0.406),
        description="Subtracted, in the network's own channel order. Without a value: 0.5 for "
        "greys, 0 for bands.",
    )
    std: Annotated[tuple[Positive, ...], Array] = Field(
        default=(0.229, 0.224, 0.225),
        description="Divided by, in the network's own channel order. Without a value: 0.5 for "
        "greys, 1 for bands.",
    )
    function: str = Field(
        default="",
        description="`FILE.py:FUNCTION` of your own, used as it is in place of all this: from an "
        "image, upright and in RGB (of bands: an array, row x column x band), to the network's "
        "input, channel x row x column. Beside it there are channels, where images are bands, and "
        'show alone. `preprocessing = "FILE.py:FUNCTION"` is short for it.',
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, given: Any) -> Any:
        """What follows from other keys."""
        if not isinstance(given, dict):
            return given
        found = dict(given)
        if isinstance(given.get("size"), list | tuple):
            found.setdefault("resize", given["size"])
        channels = given.get("channels")
        if channels == "L":
            for key in ("mean", "std"):
                found.setdefault(key, (0.5,))
        elif isinstance(channels, int) and channels > 0 and "function" not in given:
            found.setdefault("mean", (0.0,) * channels)
            found.setdefault("std", (1.0,) * channels)
        return found

    @model_validator(mode="after")
    def _of_bands(self) -> Self:
        """What goes with bands and with a function of the user's own, and what does not."""
        others = self.model_fields_set - {"function", "channels", "show"}
        if self.function and others:
            raise ValueError(
                f"function is {self.function!r}, which gives what the network takes, and there is "
                f"{', '.join(sorted(others))} beside it.\nLeave these out, or the function."
            )
        if self.bands and self.scale != 1:
            raise ValueError(
                "scale says what white is, and bands are numbers as they lie in the files.\n"
                "Leave it out; mean and std are in these numbers too."
            )
        if isinstance(self.show, tuple) and 0 < self.bands < max(self.show):
            raise ValueError(
                f"show is {list(self.show)}, and there are bands 1 to {self.bands}.\n"
                "Name three of them, for red, green and blue, or one, for greys."
            )
        if self.show is not None and not (self.bands or self.function):
            raise ValueError(
                f"show is for bands, and channels is {self.channels!r}.\n"
                "Set channels to how many bands there are, or leave show out."
            )
        return self

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if isinstance(self.resize, int) and min(self.shape) > self.resize:
            raise ValueError(
                f"size, {min(self.shape)}, is more than resize, {self.resize}.\n"
                "It is cut out of the resized photograph: raise resize or lower size."
            )
        if not self.antialias and self.interpolation not in ("bilinear", "bicubic"):
            raise ValueError(
                f"antialias is false, and interpolation {self.interpolation!r}.\n"
                "Without antialiasing there are bilinear and bicubic alone."
            )
        for key, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != self.planes and not self.function:
                raise ValueError(
                    f"{key} has {len(values)} numbers, and the network takes {self.planes} "
                    f"channels ({self.channels}).\nGive one number for each."
                )
        return self

    def stated(self) -> dict[str, Any]:
        """As plain values, without what a function of the user's own leaves without a meaning."""
        return self.model_dump(
            mode="json", include={"function", "channels", "show"} if self.function else None
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the network's input, in pixels."""
        return self.size if isinstance(self.size, tuple) else (self.size, self.size)

    @property
    def bands(self) -> int:
        """How many bands an image has, where it is numbers and no photograph; else 0."""
        return self.channels if isinstance(self.channels, int) else 0

    @property
    def planes(self) -> int:
        """How many channels the network's input has, unless a function of the user's own says."""
        return self.bands or (1 if self.channels == "L" else 3)
