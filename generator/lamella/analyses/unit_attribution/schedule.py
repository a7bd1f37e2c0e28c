"""What has to run so that every unit's examples are known under masks, each thing once.

Flow: survey -> crops, masks -> **schedule** -> occlusion. Pure arithmetic: no torch, no disk.

Many units answer to the same place of the same image, and those of several layers see the same of
it: they share a crop, and each of its masks runs once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.unit_attribution.checkpoint import Checkpoint
from lamella.analyses.unit_attribution.crops import Crop, crop_at, field_of, inside
from lamella.analyses.unit_attribution.masks import Edges, mask_edges
from lamella.network.units import Box, Layer
from lamella.store.facts import LayerFacts


class Example(NamedTuple):
    """One of a unit's strongest photographs, and where in the layer's map of it the peak is."""

    channel: int
    place: int
    image: int
    row: int
    column: int
    activation: float


def examples(facts: LayerFacts, channels: Iterable[int], most: int) -> Iterator[Example]:
    """The first examples of some units of a layer. What does not excite a unit is none."""
    survey = facts.of("survey")
    lists = [survey[f"top_{name}"] for name in ("image", "row", "column", "activation")]
    for channel in channels:
        found = zip(*(values[channel, :most].tolist() for values in lists), strict=True)
        for place, (image, row, column, activation) in enumerate(found):
            if image >= 0 and activation > 0:
                yield Example(channel, place, image, row, column, activation)


@dataclass(frozen=True, slots=True)
class MaskedCrop:
    """A crop of one image, and what is read off it under each mask.

    Attributes:
        edges: the masks, (mask, 4), in pixels of the crop.
        reads: by layer, (channel, place, row, column) of each example.
    """

    image: int
    box: Box
    edges: Edges
    reads: dict[str, list[tuple[int, int, int, int]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CropGroup:
    """Crops of one size.

    Attributes:
        whole: whether these are whole images.
    """

    height: int
    width: int
    whole: bool
    crops: tuple[MaskedCrop, ...]


class Schedule:
    """Gathers what has to run.

    Args:
        size: height and width of the images, in pixels.
        cells: masks along each side.
        share: side of a mask, in cells.
    """

    def __init__(self, size: tuple[int, int], cells: int, share: float) -> None:
        self.size, self.cells, self.share = size, cells, share
        self._crops: dict[object, dict[tuple[int, int, int], MaskedCrop]] = {}

    def crop(self, layer: Layer, example: Example, checkpoint: Checkpoint) -> Crop:
        """What of the image runs for an example."""
        whole = checkpoint.whole[layer.name][example.channel, example.place]
        kept = None if whole else field_of(layer, self.size)
        return crop_at(kept, example.row, example.column, self.size)

    def add(self, layer: Layer, example: Example, checkpoint: Checkpoint) -> None:
        """Ask for an example, unless the checkpoint has it already."""
        if checkpoint.complete(layer.name, example.channel, example.place):
            return
        crop = self.crop(layer, example, checkpoint)
        whole = (crop.box.height, crop.box.width) == self.size
        # Layers with one field have one grid of crops, and of masks.
        group = self._crops.setdefault(None if whole else layer.field, {})
        key = (example.image, 0, 0) if whole else (example.image, example.row, example.column)
        if key not in group:
            seen = crop.box if whole else layer.box(example.row, example.column, *self.size)
            edges = mask_edges(inside(seen, crop.box), self.cells, self.share)
            group[key] = MaskedCrop(example.image, crop.box, edges)
        wanted = group[key].reads.setdefault(layer.name, [])
        wanted.append((example.channel, example.place, crop.row, crop.column))

    def groups(self) -> list[CropGroup]:
        """What was asked for, whole images last; crops in the order of their images."""
        found = []
        for shared, crops in self._crops.items():
            first = next(iter(crops.values())).box
            ordered = tuple(crops[key] for key in sorted(crops))
            found.append(CropGroup(first.height, first.width, shared is None, ordered))
        return sorted(found, key=lambda group: group.height * group.width)


def entries(run: range, masks: int) -> NDArray[np.int64]:
    """Some of all masked crops of a group, (entry, 2): a crop's number, and a mask's.

    Every crop is seen without a mask, 0, and under each, 1 to `masks`, one after another.
    """
    every = np.arange(run.start, run.stop)
    return np.stack([every // (masks + 1), every % (masks + 1)], axis=1)
