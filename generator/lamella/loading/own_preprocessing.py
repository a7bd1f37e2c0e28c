"""A preprocessing of the user's own: used as it is, and tried on plain images to learn of it.

Flow: config, source -> **own_preprocessing** -> model, images. Where the network's input is a plain
function of each colour by itself, black and white say which input is which colour; then pictures
that are made for the network can be shown in their true colours.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.config.config import Config
from lamella.config.digest import digest_of
from lamella.config.planes import COLOURS, IDENTITY, Planes
from lamella.config.preprocessing import Preprocessing
from lamella.config.user_code import Asked, function_of, place_of
from lamella.errors import ModelError, said

SIDE = 256  # of the plain images that it is tried on
CLOSE = 1e-4  # of the way from black to white, that a plain image may be away from plain

Values = NDArray[np.float32]
ASKED = Asked(
    "[model.preprocessing] function",
    "function",
    "Write FILE.py:FUNCTION, a function of an image.",
    ModelError,
)


class OwnPreprocessing:
    """The user's function, from an image to the network's input.

    Attributes:
        how: `[model.preprocessing]`, with the size that it gives.
        planes: of its results; `plain` says whether they are those of colours.
        digest: of the file that it stands in.
    """

    def __init__(self, config: Config, how: Preprocessing) -> None:
        self.call = function_of(how.function, config.path, ASKED)
        self.path = config.path(how.function.rpartition(":")[0])
        self.digest = digest_of(self.path.read_text(encoding="utf-8", errors="replace"))
        self.shape: tuple[int, ...] = ()
        black = self._tried(how, (0, 0, 0))
        self.shape = black.shape
        rows, columns, number = self.shape
        self.how = how.model_copy(update={"size": (rows, columns), "resize": "none"})
        zeros, ones = (0.0,) * number, (1.0,) * number
        self.planes = Planes(zeros, ones, zeros, ones)
        coloured = None if how.bands or number not in (1, 3) else self._coloured(how, black)
        self.plain = coloured is not None
        self.planes = coloured or self.planes

    def __call__(self, image: Any) -> Values:
        """The network's input of an image in RGB, or an array of bands: (row, column, plane).

        Raises:
            ValueError: the result is none, or of another size than it is for others.
        """
        found = np.asarray(self.call(image), dtype=np.float32)
        if found.ndim != 3:
            raise ValueError(f"it gives {_words(found.shape)} numbers, not channel x row x column")
        values = np.ascontiguousarray(np.moveaxis(found, 0, -1))
        if self.shape and values.shape != self.shape:
            wanted = (self.shape[2], *self.shape[:2])
            raise ValueError(f"it gives {_words(found.shape)} numbers here, {_words(wanted)} else")
        if not np.isfinite(values).all():
            raise ValueError("it gives NaN or infinite numbers")
        return values

    def _tried(self, how: Preprocessing, colour: tuple[int, int, int]) -> Values:
        """What it makes of a plain image.

        Raises:
            ModelError: it fails.
        """
        image: Any = Image.new("RGB", (SIDE, SIDE), colour)
        if how.bands:
            image = np.zeros((SIDE, SIDE, how.bands), np.float32)
        what = f"an array of {SIDE} x {SIDE} x {how.bands}" if how.bands else "a PIL image in RGB"
        try:
            return self(image)
        except Exception as error:  # the user's own code may raise anything
            raise ModelError(
                f"[model.preprocessing] function: {how.function} fails"
                f"{place_of(error, self.path)}: {type(error).__name__}: {said(error)}.",
                f"It is given {what}, and returns an array or a tensor, channel x row x column.",
            ) from error

    def _coloured(self, how: Preprocessing, black: Values) -> Planes | None:
        """Its planes where each is one colour of the image, or its brightness; else None."""
        white, red, grey = (
            self._tried(how, colour) for colour in ((255,) * 3, (255, 0, 0), (51,) * 3)
        )
        low, high = black.mean((0, 1)), white.mean((0, 1))
        way = np.where(high != low, high - low, 1.0)
        even = max(float(np.abs((each - each[:1, :1]) / way).max()) for each in (black, white))
        straight = float(np.abs((grey.mean((0, 1)) - low) / way - 0.2).max())
        if (high == low).any() or even > CLOSE or straight > CLOSE:
            return None
        found = replace(self.planes, low=tuple(low.tolist()), high=tuple(high.tolist()))
        if len(low) == 1:
            return replace(found, shown=((1.0,),) * 3, axes=((1.0,),))
        share = (red.mean((0, 1)) - low) / way
        if np.abs(share - (1, 0, 0)).max() < CLOSE:
            return found
        if np.abs(share - (0, 0, 1)).max() < CLOSE:
            return replace(found, shown=IDENTITY[::-1], axes=COLOURS[::-1])
        return None


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def own_preprocessing(config: Config, how: Preprocessing) -> OwnPreprocessing | None:
    """The user's function, where there is one.

    Raises:
        ModelError: it cannot be found, or fails on a plain image.
    """
    return OwnPreprocessing(config, how) if how.function else None
