"""Activation maps of chosen units on chosen images: a pass after the survey.

Flow: survey -> **activation_maps** -> activation_spectrum, dissection. Which images stand for a
unit is known only after the survey, and a survey keeps no maps: those of all units would be larger
than any memory. Here so many units are taken at a time that their maps stay below a stated number
of bytes, and each image that one of them asks for runs once, up to the deepest of their layers.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.images.images import Images
from lamella.network.activations import visit
from lamella.network.model import Model
from lamella.network.units import Layer

HELD = 256_000_000  # bytes of maps that are held at once
UNITS = 64  # of a layer that are handed out together
BATCH = 16

Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units of one layer, and the images on which their maps are wanted.

    Attributes:
        channels: of the units.
        images: their numbers, `(unit, place)`; -1 for none.
    """

    layer: Layer
    channels: tuple[int, ...]
    images: NDArray[np.int64]

    @property
    def bytes(self) -> int:
        """What their maps take."""
        return 4 * self.images.size * self.layer.height * self.layer.width


def parts(wanted: Iterable[Wanted], held: int) -> Iterator[list[Wanted]]:
    """Groups of at most `held` bytes of maps each, in order; a single unit may take more."""
    group: list[Wanted] = []
    for each in wanted:
        most = max(1, min(UNITS, held // max(1, each.bytes // max(1, len(each.channels)))))
        for first in range(0, len(each.channels), most):
            run = slice(first, first + most)
            part = Wanted(each.layer, each.channels[run], each.images[run])
            if group and sum(one.bytes for one in group) + part.bytes > held:
                yield group
                group = []
            group.append(part)
    if group:
        yield group


def maps_of(
    model: Model, images: Images, wanted: Iterable[Wanted], held: int = HELD
) -> Iterator[tuple[Wanted, Maps]]:
    """The maps, a few units at a time: `(unit, place, row, column)`, NaN where there is no image.

    There is none either where an image cannot be decoded (any more).

    Args:
        held: bytes of maps that are held at once; while those of a batch are copied, up to twice
            as many.
    """
    for group in parts(wanted, held):
        found = [
            np.full((*one.images.shape, one.layer.height, one.layer.width), np.nan, np.float32)
            for one in group
        ]
        _fill(model, images, group, found)
        while group:  # what was handed out can be let go
            yield group.pop(0), found.pop(0)


def _fill(model: Model, images: Images, group: list[Wanted], found: list[Maps]) -> None:
    """Run the network on every image that a group asks for, and keep what it asks for."""
    asked = [
        {int(image): np.argwhere(one.images == image) for image in _numbers(one)} for one in group
    ]
    every = sorted(set().union(*asked))
    for batch in images.batches(BATCH, only=every, skipped={}):
        # Padded: what an image says must not depend on how many others there are.
        spare = np.repeat(batch.values[-1:], BATCH - len(batch.numbers), axis=0)
        values = np.concatenate([batch.values, spare])
        visitors: defaultdict[Layer, list[Callable[[Tensor], None]]] = defaultdict(list)
        for one, entries, maps in zip(group, asked, found, strict=True):
            at = [place for place, number in enumerate(batch.numbers) if number in entries]
            if at:
                chosen = [entries[batch.numbers[place]] for place in at]
                visitors[one.layer].append(_keeper(one, np.array(at), chosen, maps))
        with torch.inference_mode():
            visit(
                model.module,
                model.inputs(values),
                {
                    model.traced[layer.name].observed: _all(keepers)
                    for layer, keepers in visitors.items()
                },
            )


def _numbers(one: Wanted) -> NDArray[np.int64]:
    return np.unique(one.images[one.images >= 0])


def _keeper(
    one: Wanted, at: NDArray[np.int64], entries: list[NDArray[np.int64]], maps: Maps
) -> Callable[[Tensor], None]:
    """What copies a layer's values of some images of a batch to where they belong.

    Args:
        at: places of the images in the batch.
        entries: for each of them the (unit, place) pairs that ask for it.
    """
    images = np.repeat(at, [len(pairs) for pairs in entries])
    unit, place = np.concatenate(entries).T
    channels = np.array(one.channels)[unit]

    def keep(values: Tensor) -> None:
        chosen = (torch.from_numpy(index).to(values.device) for index in (images, channels))
        maps[unit, place] = values[tuple(chosen)].float().cpu().numpy()

    return keep


def _all(keepers: list[Callable[[Tensor], None]]) -> Callable[[Tensor], None]:
    def keep(values: Tensor) -> None:
        for keeper in keepers:
            keeper(values)

    return keep
