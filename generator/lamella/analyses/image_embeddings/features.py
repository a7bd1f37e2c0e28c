"""Feature vectors of all images: one pass, linear in the images.

Flow: images + model -> **features** -> space. A feature is the mean of a channel over
all positions of the image; beside it lies the image itself, scaled to SIDE by SIDE pixels, so that
neighbours by what the network sees can be compared with neighbours by colour. What takes more than
IN_MEMORY bytes lies in files that the system maps into memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.image_embeddings.layers import FeatureLayers
from lamella.errors import ImagesError

if TYPE_CHECKING:
    from torch import Tensor

    from lamella.images.images import Batch, Images
    from lamella.network.model import Model

SIDE = 32  # pixels, for neighbours in pixel space
BATCH = 32
IN_MEMORY = 1 << 30  # bytes of one array


@dataclass(frozen=True)
class Features:
    """What is known of the images; a row each, those that cannot be decoded left out.

    Attributes:
        numbers: the images' numbers, ascending, (row,).
        vectors: float32, (row, dimension).
        pixels: float32, sRGB 0 to 255, (row, SIDE * SIDE * 3).
        thumbnails: the first images themselves, sRGB bytes, (row, side, side, 3).
    """

    numbers: NDArray[np.int64]
    vectors: NDArray[np.float32]
    pixels: NDArray[np.float32]
    thumbnails: NDArray[np.uint8]


def float_array(
    shape: tuple[int, ...], scratch: Path, in_memory: int = IN_MEMORY
) -> NDArray[np.float32]:
    """A float32 array; mapped from an unnamed file in `scratch` where it is too large."""
    if 4 * int(np.prod(shape)) <= in_memory:
        return np.zeros(shape, np.float32)
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=scratch) as file:  # goes when the array does
        return np.memmap(file, np.float32, "w+", shape=shape)


def small(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An image scaled to a square of `side` pixels, each the mean of those that it covers."""
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX))


def features(
    model: Model,
    images: Images,
    layers: FeatureLayers,
    scratch: Path,
    *,
    thumbnail: int,
    shown: int,
    tick: Callable[[int], None],
) -> Features:
    """Run the network over all images and keep their feature vectors.

    Args:
        scratch: a folder for what does not fit into memory.
        thumbnail: side of a thumbnail in pixels.
        shown: how many images get one.
        tick: called with the number of images done since the last call.
    Raises:
        ImagesError: none of the images can be decoded.
    """
    skipped: dict[int, str] = {}
    vectors = float_array((len(images), layers.dimensions), scratch)
    pixels = float_array((len(images), SIDE * SIDE * 3), scratch)
    numbers: list[int] = []
    thumbnails: list[NDArray[np.uint8]] = []
    for batch in images.batches(BATCH, skipped=skipped):
        first = len(numbers)
        numbers += batch.numbers
        vectors[first : len(numbers)] = means(model, batch, layers)
        for row, image in enumerate(images.planes.pixels(batch.values), first):
            pixels[row] = small(image, SIDE).reshape(-1)
            if row < shown:
                thumbnails.append(small(image, thumbnail))
        tick(len(batch.numbers))
    if not numbers:
        raise ImagesError(
            f"None of the {len(images)} images can be decoded.",
            "Look at the files: are they photographs?",
        )
    count = len(numbers)
    return Features(np.array(numbers), vectors[:count], pixels[:count], np.stack(thumbnails))


def means(model: Model, batch: Batch, layers: FeatureLayers) -> NDArray[np.float32]:
    """The feature vectors of a batch, (image, dimension)."""
    import torch

    from lamella.network.activations import visit

    found: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[Tensor], None]:
        def look(values: Tensor) -> None:
            found[name] = values.float().mean(dim=(2, 3)).cpu()  # (image, channel)

        return look

    with torch.inference_mode():
        visit(
            model.module,
            model.inputs(batch.values),
            {model.traced[name].observed: keep(name) for name in layers.layers},
        )
        pieces = [
            torch.stack(
                [found[name][:, first : first + piece.channels] for name, first in piece.layers]
            ).sum(dim=0)
            for piece in layers.pieces
        ]
        return np.asarray(torch.cat(pieces, dim=1).numpy(), dtype=np.float32)
