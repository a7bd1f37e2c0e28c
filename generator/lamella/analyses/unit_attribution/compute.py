"""Shards of what units answer to in their examples: masks first, then gradients and pictures.

Flow: survey -> schedule -> occlusion -> checkpoint -> guided, drawing -> **compute** -> store.

A unit that sees little runs on a crop of its image. Whether the activation there is the one that
the survey saw is checked for every example; where it is not, or where the network refuses such an
image, the whole image runs, as it does for units that see much of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lamella.analyses.job import Job
from lamella.analyses.unit_attribution.checkpoint import FILE, Checkpoint
from lamella.analyses.unit_attribution.crops import Crop
from lamella.analyses.unit_attribution.drawing import compare, sheet
from lamella.analyses.unit_attribution.example_maps import ExampleMaps, example_maps
from lamella.analyses.unit_attribution.guided import guided_gradients
from lamella.analyses.unit_attribution.occlusion import (
    MaskedActivations,
    after_activation,
    batch_size,
    masked_activations,
)
from lamella.analyses.unit_attribution.schedule import (
    CropGroup,
    Example,
    Schedule,
    entries,
    examples,
)
from lamella.analyses.unit_attribution.stored import COLUMNS, GUIDED, LOST, SHEET
from lamella.engines.local import Workers, places
from lamella.engines.memory import ran_out
from lamella.figures.encoding import encode
from lamella.network.model import Model
from lamella.network.units import Layer
from lamella.store.store import Shard, Sheet

SHARD = 64
DRAWING_WORKERS = 4  # workers of a GPU: while some draw, others compute
# How far an activation in a crop may be from the one in the whole image, as a share of it. GPUs
# multiply with fewer digits, and add up in another order for each size.
TOLERANCE = {"cpu": 1e-4, "cuda": 1e-2}
MASKS = 0.5  # of all the work, for the progress bar

Todo = Sequence[tuple[Layer, Sequence[int]]]


def shards(job: Job, todo: Todo) -> Iterator[tuple[Layer, Shard]]:
    """The attribution of these channels of some layers, as it is known."""
    return AttributionRun(job, todo).shards()


@dataclass(frozen=True, slots=True)
class Batch:
    """One task: some of all masked crops of a group, at most `size`."""

    group: CropGroup
    run: range
    size: int


class AttributionRun:
    """One run over all units that are asked for.

    Args:
        todo: layers, and which of their channels.
    """

    def __init__(self, job: Job, todo: Todo) -> None:
        self.job, self.todo = job, todo
        options = job.settings
        self.cells, self.share, self.most = options.cells, options.mask, options.examples
        self.size = job.model.facts.size
        self.checkpoint = Checkpoint((layer for layer, _ in todo), self.most, self.cells**2)
        store = job.atlas.store.folder(job.panel, job.atlas.keys[job.panel])
        self.path = store.path / FILE
        self.checkpoint.resume(self.path)
        self.total = sum(len(channels) for _, channels in todo)
        self.ticked = 0

    def shards(self) -> Iterator[tuple[Layer, Shard]]:
        """Shards, each with its layer, as they finish."""
        crops = [group for group in self._schedule().groups() if not group.whole]
        self._occlude(crops, 0.0, MASKS / 2)
        for layer, channels in self.todo:
            self._check_crops(layer, channels)
        # Whole images, also for what the crops could not tell.
        self._occlude(self._schedule().groups(), MASKS / 2, MASKS)
        self.checkpoint.save(self.path, now=True)
        drawn = 0
        for layer, shard in self._sheets():
            yield layer, shard
            drawn += len(shard.channels)
            self._tick(MASKS + (1 - MASKS) * drawn / self.total)
        self.path.unlink(missing_ok=True)

    def _schedule(self) -> Schedule:
        """What has to run under masks and did not yet."""
        schedule = Schedule(self.size, self.cells, self.share)
        for layer, channels in self.todo:
            for example in self._examples(layer, channels):
                schedule.add(layer, example, self.checkpoint)
        return schedule

    def _examples(self, layer: Layer, channels: Sequence[int]) -> Iterator[Example]:
        return examples(self.job.atlas.layer(layer), channels, self.most)

    def _occlude(self, groups: Sequence[CropGroup], first: float, last: float) -> None:
        """Run groups of crops under all masks.

        Args:
            first, last: shares of all the work that are done before and after.
        """
        masks = self.cells**2
        pixels = sum(len(each.crops) * (masks + 1) * each.height * each.width for each in groups)
        if not groups:
            return
        done = 0
        with Workers(places(self.job.model), self._batch) as workers:
            for group in groups:
                size = batch_size(self.job.model, group.height, group.width)
                every = range(len(group.crops) * (masks + 1))
                for at in every[::size]:
                    workers.submit(Batch(group, every[at : at + size], size))
            for task, activations in workers.results():
                for each in activations:
                    values = self.checkpoint.values[each.layer]
                    values[each.channel, each.place, each.mask] = each.value
                self.checkpoint.save(self.path)
                done += len(task.run) * task.group.height * task.group.width
                self._tick(first + (last - first) * done / pixels)

    def _batch(
        self, model: Model, task: Batch, check_stop: Callable[[], None]
    ) -> list[MaskedActivations]:
        """A batch at one place; nothing where the network refuses crops of images."""
        check_stop()
        pairs = entries(task.run, self.cells**2)
        try:
            images = self.job.images
            return masked_activations(model, images, task.group.crops, pairs, task.size)
        except Exception as error:  # the user's own code may raise anything
            if task.group.whole or ran_out(error):
                raise
            return []

    def _check_crops(self, layer: Layer, channels: Sequence[int]) -> None:
        """Ask for the whole image where a crop did not show the activation of the survey."""
        tolerance = TOLERANCE.get(self.job.model.device.type, TOLERANCE["cuda"])
        values, whole = self.checkpoint.values[layer.name], self.checkpoint.whole[layer.name]
        for one in self._examples(layer, channels):
            if whole[one.channel, one.place]:
                continue
            found = float(after_activation(layer, values[one.channel, one.place, 0]))
            known = self.checkpoint.complete(layer.name, one.channel, one.place)
            if not known or abs(found - one.activation) > tolerance * one.activation:
                self.checkpoint.redo_whole(layer.name, one.channel, one.place)

    def _sheets(self) -> Iterator[tuple[Layer, Shard]]:
        """Gradients and sheets, some channels at a time."""
        cuda = self.job.model.device.type == "cuda"
        each = DRAWING_WORKERS if cuda else 1
        with Workers(places(self.job.model) * each, self._shard) as workers:
            for layer, channels in self.todo:
                for first in range(0, len(channels), SHARD):
                    workers.submit((layer, tuple(channels[first : first + SHARD])))
            for (layer, _), shard in workers.results():
                yield layer, shard

    def _shard(
        self, model: Model, task: tuple[Layer, tuple[int, ...]], check_stop: Callable[[], None]
    ) -> Shard:
        layer, channels = task
        found: defaultdict[int, list[ExampleMaps | None]] = defaultdict(lambda: [None] * self.most)
        for example, its_maps in self._example_maps(model, layer, channels, check_stop):
            found[example.channel][example.place] = its_maps
        options = self.job.settings
        shape = (len(channels), self.most)
        before, agreement = (np.full(shape, np.nan, np.float32) for _ in range(2))
        marks = np.zeros((*shape, 3), np.float32)
        maps = np.full((*shape, 2, self.cells, self.cells), np.nan, np.float16)
        pictures = []
        for at, channel in enumerate(channels):
            check_stop()
            row = found.get(channel, [])
            for place, one in enumerate(row):
                if one is not None:
                    before[at, place] = one.before
                    agreement[at, place], marks[at, place] = compare(one, options.side)
                    rows, columns = one.lost.shape
                    maps[at, place, LOST, :rows, :columns] = one.lost / one.before
                    maps[at, place, GUIDED, :rows, :columns] = one.grid
            drawn = sheet(row, options.side, self.job.model.planes) if row else None
            pictures.append(encode(drawn, options.quality) if drawn else b"")
        whole = self.checkpoint.whole[layer.name][list(channels)]
        return Shard(
            channels,
            numbers={
                "before": before,
                "agreement": agreement,
                "marks": marks,
                "maps": maps,
                "whole": whole.astype(np.uint8),
            },
            pictures={SHEET: pictures},
            sheets={SHEET: Sheet(options.side, options.side, COLUMNS, self.most)},
            made={
                "masks": self.cells,
                "mask": self.share,
                "torch": torch.__version__,
                "device": model.device.type,
            },
        )

    def _example_maps(
        self, model: Model, layer: Layer, channels: Sequence[int], check_stop: Callable[[], None]
    ) -> Iterator[tuple[Example, ExampleMaps]]:
        """The maps of each example, once all masks have run."""
        schedule = Schedule(self.size, self.cells, self.share)
        by_size: defaultdict[tuple[int, int], list[tuple[Example, Crop]]] = defaultdict(list)
        for example in self._examples(layer, channels):
            if self.checkpoint.complete(layer.name, example.channel, example.place):
                crop = schedule.crop(layer, example, self.checkpoint)
                by_size[crop.box.height, crop.box.width].append((example, crop))
        for some in by_size.values():
            wanted = [(example.channel, example.image, crop) for example, crop in some]
            most = SHARD * self.most
            images = self.job.images
            gradients = guided_gradients(model, images, layer.name, wanted, most, check_stop)
            for (example, crop), gradient in zip(some, gradients, strict=True):
                if gradient is not None:
                    box = layer.box(example.row, example.column, *self.size)
                    values = self.checkpoint.values[layer.name][example.channel, example.place]
                    grid = self.cells, self.share
                    yield example, example_maps(box, crop.box, self.size, gradient, values, *grid)

    def _tick(self, share: float) -> None:
        """Tell that so much of all the work is done, in units."""
        done = int(share * self.total + 1e-9)
        self.job.tick(done - self.ticked)
        self.ticked = done
