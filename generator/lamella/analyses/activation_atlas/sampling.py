"""Activation vectors at random places of the photographs: what an atlas is laid out from.

Flow: model + images + space -> **sampling** -> projection. One pass over the images; memory is the
number of vectors times channels, however many images there are.

Source: Carter et al., "Activation Atlas", Distill 2019, doi:10.23915/distill.00015: one vector per
image of a million. With fewer images more vectors of each are taken.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.analyses.activation_atlas.spaces import Space
from lamella.images.images import Images
from lamella.network.activations import visit
from lamella.network.model import Model

BATCH = 8
SMALLEST = 5  # rows and columns of a map from which on its border is left out


@dataclass(frozen=True, slots=True)
class Sample:
    """Activation vectors, and where they were.

    Attributes:
        vectors: float32, `(vector, channel)`, none of them zero.
        image, row, column: of each, int64.
        silent: how many places were left out where every channel was zero.
    """

    vectors: NDArray[np.float32]
    image: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    silent: int

    def spread(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of each channel; zeros without any vector."""
        if not len(self.vectors):
            return (np.zeros(self.vectors.shape[1], np.float32),) * 2
        mean = self.vectors.mean(axis=0, dtype=np.float64)
        deviation = self.vectors.std(axis=0, dtype=np.float64)
        return mean.astype(np.float32), deviation.astype(np.float32)


def drawn(seed: int, what: str) -> int:
    """A number that only depends on the seed and on a name."""
    digest = hashlib.sha256(f"{seed}/{what}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def inner(rows: int, columns: int) -> NDArray[np.int64]:
    """The places of a map, `(place, 2)`; the outermost ones, which see padding, are left out."""
    ring = 1 if min(rows, columns) >= SMALLEST else 0
    row, column = np.meshgrid(
        np.arange(ring, rows - ring), np.arange(ring, columns - ring), indexing="ij"
    )
    return np.stack([row.ravel(), column.ravel()], axis=1).astype(np.int64)


def chosen(ids: Sequence[str], places: int, most: int, seed: int) -> tuple[list[int], int]:
    """Which images are looked at, and how many vectors are taken of each.

    All images where there are at most `most`, else so many of them, by a draw of their ids: it
    does not depend on their order.
    """
    numbers = sorted(range(len(ids)), key=lambda at: (drawn(seed, ids[at]), ids[at]))[:most]
    return sorted(numbers), max(1, min(places, most // max(1, len(numbers))))


def places_of(id: str, rows: int, columns: int, each: int, seed: int) -> NDArray[np.int64]:
    """The places that are taken of one image, `(each, 2)`: a draw by its id alone."""
    places = inner(rows, columns)
    random = np.random.default_rng(drawn(seed, f"{id}/{rows}x{columns}"))
    return places[np.sort(random.permutation(len(places))[:each])]


def values_of(model: Model, space: Space, images: Tensor, normalised: bool = False) -> Tensor:
    """A space's values for images in sRGB, `(image, channel, row, column)`; differentiable."""
    kept: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[Tensor], None]:
        return lambda value: kept.update({name: value})

    addresses = {model.traced[layer.name].observed: keep(layer.name) for layer in space.layers}
    visit(model.module, images if normalised else model.normalise(images), addresses)
    parts = [kept[layer.name] for layer in space.layers]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


@torch.inference_mode()
def sample(
    model: Model, images: Images, space: Space, *, most: int, seed: int, batch: int = BATCH
) -> Sample:
    """Vectors of a space at random places of the images; broken images are left out.

    Args:
        most: vectors, at most.
        batch: images that run at once; the places do not depend on it.
    """
    ids = [photograph.id for photograph in images.manifest.photographs]
    numbers, each = chosen(ids, len(inner(space.rows, space.columns)), most, seed)
    vectors, image, places = [], [], []
    for run in images.batches(batch, only=numbers, skipped={}):
        values = values_of(model, space, model.shown(run.values))
        for nth, number in enumerate(run.numbers):
            where = places_of(ids[number], space.rows, space.columns, each, seed)
            row, column = torch.from_numpy(where.T.copy()).to(model.device)
            vectors.append(values[nth].float()[:, row, column].T.cpu().numpy())
            image.append(np.full(len(where), number, np.int64))
            places.append(where)
    if not vectors:
        nothing = np.zeros(0, np.int64)
        empty = np.zeros((0, space.channels), np.float32)
        return Sample(empty, nothing, nothing, nothing, 0)
    every, at_place = np.concatenate(vectors), np.concatenate(places)
    nonzero = (every != 0).any(axis=1)
    numbered = np.concatenate(image)
    row_of, column_of = at_place[nonzero].T
    return Sample(every[nonzero], numbered[nonzero], row_of, column_of, int((~nonzero).sum()))
