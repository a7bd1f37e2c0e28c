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
    channels: Literal["RGB", "BGR", "L"] = Field(
        default="RGB",
        description="What the network takes: the order of its three colour channels, or L for one "
        "channel of greys.",
    )
    scale: Positive = Field(
        default=1.0,
        description="What white is, before mean and std: 1 for [0, 1], 255 for [0, 255].",
    )
    mean: Annotated[tuple[Number, ...], Array] = Field(
        default=(0.485, 0.456, 0.406),
        description="Subtracted, in the network's own channel order; one number for greys, "
        "which is 0.5 without a value.",
    )
    std: Annotated[tuple[Positive, ...], Array] = Field(
        default=(0.229, 0.224, 0.225),
        description="Divided by, in the network's own channel order; one number for greys, "
        "which is 0.5 without a value.",
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
        if given.get("channels") == "L":
            for key in ("mean", "std"):
                found.setdefault(key, (0.5,))
        return found

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
            if len(values) != self.planes:
                raise ValueError(
                    f"{key} has {len(values)} numbers, and the network takes {self.planes} "
                    f"channels ({self.channels}).\nGive one number for each."
                )
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the network's input, in pixels."""
        return self.size if isinstance(self.size, tuple) else (self.size, self.size)

    @property
    def planes(self) -> int:
        """How many channels the network's input has."""
        return 1 if self.channels == "L" else 3
