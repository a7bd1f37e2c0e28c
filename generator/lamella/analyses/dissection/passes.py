"""The passes: thresholds first, then what lies above them on which concept; all layers at once.

Flow: labels + model -> thresholds -> overlap -> **passes** -> detectors. Two passes over all
scenes. What is kept grows with units and concepts, not with scenes: no map outlives its batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lamella.analyses.dissection.detectors import HalfCounts
from lamella.analyses.dissection.labels import LabelledImages
from lamella.analyses.dissection.overlap import Areas, Overlap
from lamella.analyses.dissection.thresholds import Sketch, exponent_of
from lamella.images.images import Batch
from lamella.network.activations import visit
from lamella.network.model import Model
from lamella.network.units import Layer

BATCH = 16
TOP = 4  # scenes that are kept for each unit
PASSES = 2
Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class LayerCounts:
    """What was counted of one layer.

    Attributes:
        thresholds: of its channels; share: of the positions that lie above, counted.
        choose, measure: over the two halves.
        top: the images of the half for measuring that excite each channel most, (channel, place);
            -1 for none.
    """

    thresholds: NDArray[np.float32]
    share: NDArray[np.float64]
    choose: HalfCounts
    measure: HalfCounts
    top: NDArray[np.int64]


class Strongest:
    """The images that excite each channel most, strongest first; of equals, the lowest number."""

    def __init__(self, channels: int) -> None:
        self.peak = np.full((channels, TOP), -np.inf, np.float32)
        self.image = np.full((channels, TOP), -1, np.int64)

    def update(self, peaks: NDArray[np.float32], numbers: NDArray[np.int64]) -> None:
        """Take in the largest activation of each image and channel, (image, channel)."""
        peak = np.concatenate([self.peak, peaks.T], axis=1)
        image = np.concatenate([self.image, np.broadcast_to(numbers, peaks.T.shape)], axis=1)
        order = np.lexsort((image, -peak))[:, :TOP]
        self.peak = np.take_along_axis(peak, order, axis=1)
        self.image = np.take_along_axis(image, order, axis=1)


@dataclass(frozen=True)
class Passes:
    """Everything that the passes over some layers of a network share.

    Attributes:
        module: the network, or one of its architecture.
        tick: called with the number of images done.
        skipped: takes the images that cannot be decoded, and why.
    """

    model: Model
    module: nn.Module
    labelled: LabelledImages
    layers: Sequence[Layer]
    tick: Tick
    skipped: dict[int, str]

    def run(self) -> dict[str, LayerCounts]:
        """Both passes; what was counted, by layer.

        Raises:
            ConceptsError: a mask is not what it should be.
        """
        sketches, tops = self._thresholds()
        thresholds = {name: sketch.finish() for name, sketch in sketches.items()}
        areas = [Areas(len(self.labelled.concepts)) for _ in self.labelled.halves]
        halves = [self._overlaps(half, thresholds, areas[half]) for half in (0, 1)]
        found = {}
        for layer in self.layers:
            first, second = (half[layer.name] for half in halves)
            positions = max(1, first.positions + second.positions)
            choose, measure = (
                HalfCounts(each.both[:, 1:], each.marked, area.pixels, area.images)
                for each, area in zip((first, second), areas, strict=True)
            )
            found[layer.name] = LayerCounts(
                thresholds[layer.name],
                (first.above + second.above) / positions,
                choose,
                measure,
                tops[layer.name].image,
            )
        return found

    def _thresholds(self) -> tuple[dict[str, Sketch], dict[str, Strongest]]:
        """The first pass."""
        sketches: dict[str, Sketch] = {}
        tops = {layer.name: Strongest(layer.channels) for layer in self.layers}
        for half, batch in self._batches():
            if not sketches:
                largest = self._largest(batch)
                sketches = {
                    layer.name: Sketch(layer.channels, exponent_of(largest[layer.name]))
                    for layer in self.layers
                }
            numbers = np.array(batch.numbers, dtype=np.int64)

            def take(layer: Layer, values: Tensor) -> None:
                summary = sketches[layer.name].update(values)  # noqa: B023
                if half == 1:  # noqa: B023
                    tops[layer.name].update(summary.peak, numbers)  # noqa: B023

            self._run(batch, take)
        return sketches or {layer.name: Sketch(layer.channels) for layer in self.layers}, tops

    def _largest(self, batch: Batch) -> dict[str, float]:
        """The largest magnitude of each layer on one batch."""
        found: dict[str, float] = {}

        def take(layer: Layer, values: Tensor) -> None:
            found[layer.name] = float(values.abs().max())

        self._run(batch, take)
        return found

    def _overlaps(
        self, half: int, thresholds: Mapping[str, NDArray[np.float32]], areas: Areas
    ) -> dict[str, Overlap]:
        """The second pass, over one half."""
        labelled = self.labelled
        kind_of = np.array(labelled.kind_of)
        kinds = len(labelled.kinds)
        found = {
            layer.name: Overlap(
                layer,
                self.model.facts.size,
                labelled.side,
                thresholds[layer.name],
                len(labelled.concepts),
                kinds,
            )
            for layer in self.layers
        }
        for _, batch in self._batches(half):
            planes = np.stack([labelled.planes(number) for number in batch.numbers])
            shown = areas.update(planes)
            present = np.stack([shown[:, kind_of == kind].any(axis=1) for kind in range(kinds)], 1)

            def take(layer: Layer, values: Tensor) -> None:
                found[layer.name].update(values, planes, present)  # noqa: B023

            self._run(batch, take)
        return found

    def _batches(self, only: int | None = None) -> Iterator[tuple[int, Batch]]:
        """The scenes of both halves, or of one: (half, batch)."""
        for half, numbers in enumerate(self.labelled.halves):
            if only in (None, half):
                images = self.labelled.images.batches(BATCH, only=numbers, skipped=self.skipped)
                for batch in images:
                    yield half, batch
                    self.tick(len(batch.numbers))

    def _run(self, batch: Batch, take: Callable[[Layer, Tensor], None]) -> None:
        """Run the network on a batch; `take` is given each layer's values."""

        def visitor(layer: Layer) -> Callable[[Tensor], None]:
            return lambda values: take(layer, values)

        visitors = {self.model.traced[layer.name].observed: visitor(layer) for layer in self.layers}
        with torch.inference_mode():
            visit(self.module, self.model.inputs(batch.values), visitors)
