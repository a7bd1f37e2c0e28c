"""Images of a torch data set: one of torchvision's, or what a function of the user's own returns.

Flow: config, entries -> **datasets** -> finding. An image is taken as the data set gives it; its id
is the digest of its pixels.
"""

import hashlib
import io
import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from lamella.config.user_code import Asked, returned
from lamella.errors import ImagesError, did_you_mean, said
from lamella.images.entries import Candidate, Entry, Found, text

LIBRARY = "torchvision:"
WHERE = "[images] dataset"
PAIRS = (
    "Give pairs of an image (PIL's, or uint8: an array, row x column x channel, or a tensor, "
    "channel x row x column) and a label, without a transform to numbers: the atlas' own "
    "preprocessing does that."
)
ASKED = Asked(
    WHERE, "data set", "Write FILE.py:FUNCTION, or torchvision:NAME with its folder.", ImagesError
)
MODES = ("L", "RGB", "RGBA", "CMYK", "I", "F")  # of PIL, that TIFFs keep as they are


class Unfit(Exception):
    """What a data set gives is no image; the message says what it is."""


@dataclass(frozen=True, slots=True)
class Item(Entry):
    """An image of a data set: its `place` is its index.

    Attributes:
        id: its digest when it was found, "" if it could not be had.
    """

    dataset: "_OneAtATime"
    id: str

    def read(self) -> bytes:
        image, _ = self.dataset.pair(self.place)
        if digest_of_pixels(image) != self.id:
            raise OSError("the data set gives another image than before: has it random transforms?")
        stream = io.BytesIO()
        image.save(stream, "TIFF")
        return stream.getvalue()

    def digest(self) -> str:
        if not self.id:
            raise OSError("it could not be had")
        return self.id


class _OneAtATime:
    """A data set whose items are asked for by one thread at a time: it may be made for no more."""

    def __init__(self, dataset: Any):
        self.dataset = dataset
        self.lock = Lock()

    def pair(self, at: int) -> tuple[Image.Image, Any]:
        """An image, its pixels in memory, and its label, None without one.

        Raises:
            OSError: the data set fails.
            Unfit: it gives something else.
        """
        try:
            with self.lock:
                given = self.dataset[at]
                several = isinstance(given, tuple | list) and len(given) > 0
                image = given[0] if several else given
                plain = _plain(image)
        except Unfit:
            raise
        except Exception as error:  # it is the user's own code, and may raise anything
            raise OSError(f"{type(error).__name__}: {said(error)}") from error
        return plain, given[1] if several and len(given) > 1 else None


def in_dataset(source: str, folder: str, locate: Callable[[str], Path]) -> Found:
    """The images of a data set, each with its label. Each item is read once.

    Args:
        source: `FILE.py:FUNCTION`, or `torchvision:NAME`.
        folder: where the latter lies.
        locate: from a path of atlas.toml to one of this machine.
    Raises:
        ImagesError: there is no such data set, or it gives something else than images.
    """
    if source.startswith(LIBRARY):
        dataset = _torchvisions(source.removeprefix(LIBRARY), locate(folder))
    else:
        dataset = returned(source, locate, ASKED)
    try:
        number = len(dataset)
    except Exception as error:  # it is the user's own code, or an iterable data set
        raise ImagesError(
            f"{WHERE}: {source} gives {type(dataset).__name__}, whose length cannot be had: "
            f"{type(error).__name__}: {said(error)}.",
            "It should be a map-style torch.utils.data.Dataset, with __len__ and __getitem__.",
        ) from error
    names = getattr(dataset, "classes", None)
    known = [text(str(name)) for name in names] if isinstance(names, list | tuple) else []
    found, items = Found(), _OneAtATime(dataset)
    for at in range(number):
        id = label = ""
        try:
            image, given = items.pair(at)
            id, label = digest_of_pixels(image), _label(given, known)
        except Unfit as error:
            raise ImagesError(f"{WHERE}: item {at} of {source} is {error}.", PAIRS) from error
        except OSError:  # told as a broken image, which it is
            pass
        found.images.append(Candidate(Item(str(at), None, at, items, id), str(at), "", label))
    return found


def digest_of_pixels(image: Image.Image) -> str:
    """Changes when a pixel does, the size or the mode."""
    head = f"{image.mode} {image.width} {image.height} ".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()[:32]


def _torchvisions(name: str, root: Path) -> Any:
    """A data set of torchvision that was downloaded before, without a transform."""
    from torchvision import datasets

    kind = getattr(datasets, name, None)
    if name not in datasets.__all__ or not isinstance(kind, type):
        raise ImagesError(
            f"{WHERE}: torchvision has no data set {name!r}.",
            did_you_mean(name, datasets.__all__, otherwise="Its documentation lists them."),
        )
    try:
        return kind(str(root))
    except Exception as error:  # each says in its own way what it lacks
        raise ImagesError(
            f"{WHERE}: torchvision's {name} cannot be had from {root}: {said(error)}.",
            f"Download it once, in Python: torchvision.datasets.{name}({str(root)!r}, "
            "download=True); one that needs more than a folder is made by FILE.py:FUNCTION.",
        ) from error


def _plain(given: Any) -> Image.Image:
    """What a data set gives as PIL has it.

    Raises:
        Unfit: it is no image, or one that was made into numbers.
    """
    if isinstance(given, Image.Image):
        given.load()
        if given.mode.startswith("I;16"):
            return given.convert("I")
        if given.mode in MODES and "transparency" not in given.info:
            return given
        return given.convert("RGBA" if given.has_transparency_data else "RGB")
    values = given
    if hasattr(given, "detach"):  # a tensor: its channels are in front
        values = given.detach().cpu().numpy()
        values = values.transpose(1, 2, 0) if values.ndim == 3 else values
    if not isinstance(values, np.ndarray):
        raise Unfit(f"of type {type(given).__name__}")
    shape = " x ".join(map(str, given.shape))
    if values.dtype != np.uint8:
        raise Unfit(f"of {shape} numbers of type {values.dtype}")
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim not in (2, 3) or 0 in values.shape or values.shape[2:] not in ((), (3,), (4,)):
        raise Unfit(f"of {shape} numbers")
    return Image.fromarray(np.ascontiguousarray(values))


def _label(given: Any, names: list[str]) -> str:
    """A label as text: the name of the class that a number means, or what stands there."""
    if given is None or isinstance(given, str):
        return text(given or "")
    try:
        number = operator.index(given)
    except TypeError:  # several, boxes, a mask: none that an image goes by
        return ""
    return names[number] if 0 <= number < len(names) else str(number)
