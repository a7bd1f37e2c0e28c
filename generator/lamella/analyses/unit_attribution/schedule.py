"""What has to run so that every unit's examples are known under masks, each thing once.

Flow: survey -> windows, masks -> **looks** -> occluding. Pure arithmetic: no torch, no disk.

Many units answer to the same place of the same image, and those of several layers see the same of
it: they share a look, and each of its masks runs once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.unit_attribution.checkpoint import Ledger
from lamella.analyses.unit_attribution.crops import Window, field_of, inside, window
from lamella.analyses.unit_attribution.masks import Edges, edges_over
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
class Look:
    """A part of one image, and what is read off it under each mask.

    Attributes:
        edges: the masks, (mask, 4), in pixels of the part.
        reads: by layer, (channel, place, row, column) of each example.
    """

    image: int
    box: Box
    edges: Edges
    reads: dict[str, list[tuple[int, int, int, int]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Looks at parts of one size.

    Attributes:
        whole: whether these are whole images.
    """

    height: int
    width: int
    whole: bool
    looks: tuple[Look, ...]


class Asked:
    """Gathers looks.

    Args:
        size: height and width of the images, in pixels.
        cells: masks along each side.
        share: side of a mask, in cells.
    """

    def __init__(self, size: tuple[int, int], cells: int, share: float) -> None:
        self.size, self.cells, self.share = size, cells, share
        self._looks: dict[object, dict[tuple[int, int, int], Look]] = {}

    def window(self, layer: Layer, example: Example, ledger: Ledger) -> Window:
        """The part of the image that runs for an example."""
        whole = ledger.whole[layer.name][example.channel, example.place]
        kept = None if whole else field_of(layer, self.size)
        return window(kept, example.row, example.column, self.size)

    def add(self, layer: Layer, example: Example, ledger: Ledger) -> None:
        """Ask for an example, unless the ledger has it already."""
        if ledger.known(layer.name, example.channel, example.place):
            return
        part = self.window(layer, example, ledger)
        whole = (part.box.height, part.box.width) == self.size
        # Layers with one field have one grid of windows, and of masks.
        group = self._looks.setdefault(None if whole else layer.field, {})
        key = (example.image, 0, 0) if whole else (example.image, example.row, example.column)
        if key not in group:
            seen = part.box if whole else layer.box(example.row, example.column, *self.size)
            edges = edges_over(inside(seen, part.box), self.cells, self.share)
            group[key] = Look(example.image, part.box, edges)
        wanted = group[key].reads.setdefault(layer.name, [])
        wanted.append((example.channel, example.place, part.row, part.column))

    def groups(self) -> list[Group]:
        """What was asked for, whole images last; looks in the order of their images."""
        found = []
        for kind, looks in self._looks.items():
            first = next(iter(looks.values())).box
            ordered = tuple(looks[key] for key in sorted(looks))
            found.append(Group(first.height, first.width, kind is None, ordered))
        return sorted(found, key=lambda group: group.height * group.width)


def entries(run: range, masks: int) -> NDArray[np.int64]:
    """Some of all masked parts of a group, (entry, 2): a look's number, and a mask's.

    Every look is seen without a mask, 0, and under each, 1 to `masks`, one after another.
    """
    every = np.arange(run.start, run.stop)
    return np.stack([every // (masks + 1), every % (masks + 1)], axis=1)
