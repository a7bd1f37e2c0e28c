"""The shards of a folder read together, as arrays with a row per channel.

Flow: store -> **gathering** -> facts, analyses. Of the pictures of a network, only the sizes are
read, since pages just have to name them.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from lamella.store.store import Folder, Sheet

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PanelFacts:
    """What an analysis stored of a layer, or of the network.

    Attributes:
        present: which rows are stored, `(row,)`. A row is a channel of the layer; of the network,
            whatever the analysis numbers: its units, its images, its pages.
        numbers: arrays by name, `(row, ...)`; zero where a row is not present.
        pictures: encoded images by name and row.
        sheets: the size of each named picture.
        made: how it was made; of several shards, what the last one says.
    """

    present: NDArray[np.bool_]
    numbers: Mapping[str, NDArray[Any]]
    pictures: Mapping[str, Mapping[int, bytes]]
    sheets: Mapping[str, Sheet]
    made: Mapping[str, Any]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.numbers[name]


def gather(folder: Folder, rows: int) -> PanelFacts:
    """The shards of a folder as arrays of `rows` rows; of a row that several hold, the last one's.

    Raises:
        StoreError: a shard is damaged or missing.
    """
    present = np.zeros(rows, dtype=np.bool_)
    numbers: dict[str, NDArray[Any]] = {}
    pictures: dict[str, dict[int, bytes]] = {}
    sheets: dict[str, Sheet] = {}
    made: dict[str, Any] = {}
    for note, tensors in folder.shards():
        channels = note["channels"]
        present[channels] = True
        sheets.update({name: Sheet(*size) for name, size in note["sheets"].items()})
        made.update(note["made"])
        for name, channel, content in encoded(note, tensors):
            pictures.setdefault(name, {})[channel] = content
        for name, tensor in tensors.items():
            if name.startswith("picture/"):
                pictures.setdefault(name.removeprefix("picture/"), {})
            elif not name.startswith("stops/"):
                if name not in numbers:
                    numbers[name] = np.zeros((rows, *tensor.shape[1:]), dtype=tensor.dtype)
                numbers[name][channels] = tensor
    return PanelFacts(present, numbers, pictures, sheets, made)


def encoded(
    note: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]
) -> Iterator[tuple[str, int, bytes]]:
    """The pictures of a shard: (name, channel or entry, the file's bytes), without empty ones."""
    for key, tensor in tensors.items():
        kind, _, name = key.partition("/")
        if kind != "picture":
            continue
        stops = tensors[f"stops/{name}"].tolist()
        content = tensor.tobytes()
        for channel, first, stop in zip(note["channels"], [0, *stops[:-1]], stops, strict=True):
            if stop > first:
                yield name, channel, content[first:stop]


def sizes(folder: Folder) -> dict[tuple[str, int], Size]:
    """The size of each picture of a folder, by name and entry.

    It is what the shard's sheet says; without one, what the picture says, if it is one.
    """
    found = {}
    for note, tensors in folder.shards():
        for name, entry, content in encoded(note, tensors):
            sheet = note["sheets"].get(name)
            size = (sheet[0], sheet[1]) if sheet else measured(content)
            if size is not None:
                found[name, entry] = size
    return found


def measured(content: bytes) -> Size | None:
    """The size of a WebP picture, from its header; None where the bytes are none."""
    try:
        with Image.open(io.BytesIO(content), formats=("WEBP",)) as picture:
            return picture.size
    except (OSError, UnidentifiedImageError):
        return None
