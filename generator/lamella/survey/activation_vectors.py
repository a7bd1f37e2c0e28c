"""A layer's activation vectors at chosen positions of chosen images: a pass after the survey.

Flow: survey -> **activation_vectors** -> facets. Which positions matter is known only after the
survey: where each unit's strongest examples lie. Each image runs once, however many units ask for
it; vectors are projected to a fixed width, so that memory is units times examples times WIDTH.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.images.images import Images
from lamella.network.activations import visit
from lamella.network.model import Model

WIDTH = 256


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions, `(unit, place)` each: an image's number (-1 for none), a row and a column.

    There is a row for every channel of the layer; most may ask for nothing.
    """

    image: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]


@lru_cache(maxsize=64)
def projection(channels: int) -> Tensor:
    """Fixed random directions, `(channel, WIDTH)`: they keep angles to about 1/sqrt(WIDTH).

    The identity, padded, where a layer has no more channels than that.
    """
    if channels <= WIDTH:
        return torch.eye(channels, WIDTH)
    generator = torch.Generator().manual_seed(channels)
    drawn: Tensor = torch.randn(channels, WIDTH, generator=generator)
    return drawn / math.sqrt(WIDTH)


def context(values: Tensor, units: Tensor) -> Tensor:
    """The activations of a layer's other units at positions, `(place, channel)`.

    A unit's own activation is large at all its examples, and says nothing of how they differ: it is
    left out. Square roots, with their sign, keep few strong units from outvoting
    all others (the Hellinger kernel; Arandjelovic and Zisserman 2012).

    Args:
        units: whose example each is, `(place,)`.
    """
    rooted = values.abs().sqrt().copysign(values)
    rooted[torch.arange(len(units)), units] = 0
    return rooted


def projected_vectors(
    model: Model, images: Images, wanted: Mapping[str, Positions]
) -> dict[str, NDArray[np.float32]]:
    """The `context` at positions, projected.

    Args:
        wanted: by layer.
    Returns:
        By layer, float32 `(unit, place, WIDTH)`; zero where there is no image.
    """
    found = {name: np.zeros((*at.image.shape, WIDTH), np.float32) for name, at in wanted.items()}
    asked: defaultdict[int, dict[str, NDArray[np.intp]]] = defaultdict(dict)
    for name, at in wanted.items():
        entries = np.argwhere(at.image >= 0)
        numbers = at.image[tuple(entries.T)]
        order = np.argsort(numbers, kind="stable")
        of, first = np.unique(numbers[order], return_index=True)
        runs = np.split(entries[order], first)[1:]
        for image, run in zip(of.tolist(), runs, strict=True):
            asked[image][name] = run

    def visitor(name: str, entries: NDArray[np.intp]) -> Callable[[Tensor], None]:
        at = wanted[name]
        unit, place = entries.T
        rows, columns = (
            torch.from_numpy(axis[unit, place].astype(np.int64)) for axis in (at.row, at.column)
        )

        def look(values: Tensor) -> None:
            chosen = values[0].float()[:, rows.to(values.device), columns.to(values.device)].T.cpu()
            around = context(chosen, torch.from_numpy(unit))
            found[name][unit, place] = (around @ projection(values.shape[1])).numpy()

        return look

    with torch.inference_mode():
        for image, layers in sorted(asked.items()):
            visitors = {
                model.traced[name].observed: visitor(name, entries)
                for name, entries in layers.items()
            }
            visit(model.module, model.inputs(images.values(image)[None]), visitors)
    return found
