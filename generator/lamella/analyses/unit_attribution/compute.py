"""Shards of what units answer to in their examples: masks first, then gradients and pictures.

Flow: survey -> looks -> occluding -> ledger -> **making** -> store.

A unit that sees little runs on a window of its image. Whether the activation there is the one that
the survey saw is looked at for every example; where it is not, or where the network refuses such an
image, the whole image runs, as it does for units that see much of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lamella.analyses.job import Job
from lamella.analyses.unit_attribution.checkpoint import FILE, Ledger
from lamella.analyses.unit_attribution.crops import Window, inside
from lamella.analyses.unit_attribution.drawing import Drawn, compared, sheet
from lamella.analyses.unit_attribution.guided import guided, strength
from lamella.analyses.unit_attribution.masks import cells_of, under, within
from lamella.analyses.unit_attribution.occlusion import Answer, activated, batch_of, masked
from lamella.analyses.unit_attribution.schedule import Asked, Example, Group, entries, examples
from lamella.analyses.unit_attribution.view import COLUMNS, GUIDED, LOST, SHEET
from lamella.engines.local import Workers, places
from lamella.engines.memory import ran_out
from lamella.figures.encoding import encode
from lamella.network.model import Model
from lamella.network.units import Layer
from lamella.store.store import Shard, Sheet

SHARD = 64
DRAWERS = 4  # workers of a GPU: while some draw, others compute
# How far an activation in a window may be from the one in the whole image, as a share of it. GPUs
# multiply with fewer digits, and add up in another order for each size.
TOLERANCE = {"cpu": 1e-4, "cuda": 1e-2}
MASKS = 0.5  # of all the work, for the progress bar

Todo = Sequence[tuple[Layer, Sequence[int]]]
Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """One task: some of all masked parts of a group of looks, at most `size`."""

    group: Group
    run: range
    size: int


class Making:
    """One run over all units that are asked for.

    Args:
        todo: layers, and which of their channels.
    """

    def __init__(self, job: Job, todo: Todo) -> None:
        self.job, self.todo = job, todo
        options = job.settings
        self.cells, self.share, self.most = options.cells, options.mask, options.examples
        self.size = job.model.facts.size
        self.ledger = Ledger((layer for layer, _ in todo), self.most, self.cells**2)
        store = job.atlas.store.folder(job.panel, job.atlas.keys[job.panel])
        self.path = store.path / FILE
        self.ledger.resume(self.path)
        self.total = sum(len(channels) for _, channels in todo)
        self.ticked = 0

    def run(self) -> Iterator[tuple[Layer, Shard]]:
        """Shards, each with its layer, as they finish."""
        windows = [group for group in self._asked().groups() if not group.whole]
        self._occlude(windows, 0.0, MASKS / 2)
        for layer, channels in self.todo:
            self._settle(layer, channels)
        # Whole images, also for what the windows could not tell.
        self._occlude(self._asked().groups(), MASKS / 2, MASKS)
        self.ledger.save(self.path, now=True)
        drawn = 0
        for layer, shard in self._drawn():
            yield layer, shard
            drawn += len(shard.channels)
            self._tick(MASKS + (1 - MASKS) * drawn / self.total)
        self.path.unlink(missing_ok=True)

    def _asked(self) -> Asked:
        """What has to run under masks and did not yet."""
        asked = Asked(self.size, self.cells, self.share)
        for layer, channels in self.todo:
            for example in self._examples(layer, channels):
                asked.add(layer, example, self.ledger)
        return asked

    def _examples(self, layer: Layer, channels: Sequence[int]) -> Iterator[Example]:
        return examples(self.job.atlas.layer(layer), channels, self.most)

    def _occlude(self, groups: Sequence[Group], first: float, last: float) -> None:
        """Run groups of looks under all masks.

        Args:
            first, last: shares of all the work that are done before and after.
        """
        masks, whole = self.cells**2, sum(self._cost(group) for group in groups)
        if not groups:
            return
        done = 0
        with Workers(places(self.job.model), self._masked) as workers:
            for group in groups:
                size = batch_of(self.job.model, group.height, group.width)
                every = range(len(group.looks) * (masks + 1))
                for at in every[::size]:
                    workers.submit(Batch(group, every[at : at + size], size))
            for task, answers in workers.results():
                for answer in answers:
                    values = self.ledger.values[answer.layer]
                    values[answer.channel, answer.place, answer.mask] = answer.value
                self.ledger.save(self.path)
                done += len(task.run) * task.group.height * task.group.width
                self._tick(first + (last - first) * done / whole)

    def _cost(self, group: Group) -> int:
        """Pixels that run."""
        each: int = (self.cells**2 + 1) * group.height * group.width
        return each * len(group.looks)

    def _masked(self, model: Model, task: Batch, look: Callable[[], None]) -> list[Answer]:
        """A batch at one place; nothing where the network refuses parts of images."""
        look()
        pairs = entries(task.run, self.cells**2)
        try:
            return masked(model, self.job.images, task.group.looks, pairs, task.size)
        except Exception as error:  # the user's own code may raise anything
            if task.group.whole or ran_out(error):
                raise
            return []

    def _settle(self, layer: Layer, channels: Sequence[int]) -> None:
        """Ask for the whole image where a window did not show the activation of the survey."""
        tolerance = TOLERANCE.get(self.job.model.device.type, TOLERANCE["cuda"])
        values, whole = self.ledger.values[layer.name], self.ledger.whole[layer.name]
        for one in self._examples(layer, channels):
            if whole[one.channel, one.place]:
                continue
            found = float(activated(layer, values[one.channel, one.place, 0]))
            known = self.ledger.known(layer.name, one.channel, one.place)
            if not known or abs(found - one.activation) > tolerance * one.activation:
                self.ledger.forget(layer.name, one.channel, one.place)

    def _drawn(self) -> Iterator[tuple[Layer, Shard]]:
        """Gradients and sheets, some channels at a time."""
        cuda = self.job.model.device.type == "cuda"
        with Workers(places(self.job.model) * (DRAWERS if cuda else 1), self._shard) as workers:
            for layer, channels in self.todo:
                for first in range(0, len(channels), SHARD):
                    workers.submit((layer, tuple(channels[first : first + SHARD])))
            for (layer, _), shard in workers.results():
                yield layer, shard

    def _shard(
        self, model: Model, task: tuple[Layer, tuple[int, ...]], look: Callable[[], None]
    ) -> Shard:
        layer, channels = task
        found: defaultdict[int, list[Drawn | None]] = defaultdict(lambda: [None] * self.most)
        for example, drawn in self._guided(model, layer, channels, look):
            found[example.channel][example.place] = drawn
        options = self.job.settings
        shape = (len(channels), self.most)
        before, agreement = (np.full(shape, np.nan, np.float32) for _ in range(2))
        marks = np.zeros((*shape, 3), np.float32)
        maps = np.full((*shape, 2, self.cells, self.cells), np.nan, np.float16)
        pictures = []
        for at, channel in enumerate(channels):
            look()
            row = found.get(channel, [])
            for place, one in enumerate(row):
                if one is not None:
                    before[at, place] = one.before
                    agreement[at, place], marks[at, place] = compared(one, options.side)
                    rows, columns = one.lost.shape
                    maps[at, place, LOST, :rows, :columns] = one.lost / one.before
                    maps[at, place, GUIDED, :rows, :columns] = one.grid
            pictures.append(encode(sheet(row, options.side), options.quality) if row else b"")
        whole = self.ledger.whole[layer.name][list(channels)]
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

    def _guided(
        self, model: Model, layer: Layer, channels: Sequence[int], look: Callable[[], None]
    ) -> Iterator[tuple[Example, Drawn]]:
        """What is known of each example, once all masks have run."""
        asked = Asked(self.size, self.cells, self.share)
        kinds: defaultdict[tuple[int, int], list[tuple[Example, Window]]] = defaultdict(list)
        for example in self._examples(layer, channels):
            if self.ledger.known(layer.name, example.channel, example.place):
                part = asked.window(layer, example, self.ledger)
                kinds[part.box.height, part.box.width].append((example, part))
        for some in kinds.values():
            wanted = [(example.channel, example.image, part) for example, part in some]
            most = SHARD * self.most
            maps = guided(model, self.job.images, layer.name, wanted, most, look)
            for (example, part), values in zip(some, maps, strict=True):
                if values is not None:
                    yield example, self._of(layer, example, part, values)

    def _of(self, layer: Layer, example: Example, part: Window, gradient: Maps) -> Drawn:
        """One example on the grid of what the unit sees."""
        box = layer.box(example.row, example.column, *self.size)
        at = inside(box, part.box)
        seen = gradient[:, at.top : at.top + at.height, at.left : at.left + at.width]
        values = self.ledger.values[layer.name][example.channel, example.place]
        lost = (values[0] - values[1:]).reshape(self.cells, self.cells)
        if (part.box.height, part.box.width) == self.size:
            rows, columns = cells_of(part.box, self.cells)
            grid = under(strength(gradient), self.cells, self.share)
            lost, grid = (
                within(one, self.size, box, self.cells) for one in (lost[:rows, :columns], grid)
            )
        else:
            rows, columns = cells_of(box, self.cells)
            lost, grid = lost[:rows, :columns], under(strength(seen), self.cells, self.share)
        full = float(grid.max())
        return Drawn(box, seen, grid / full if full > 0 else grid, lost, float(values[0]))

    def _tick(self, share: float) -> None:
        """Tell that so much of all the work is done, in units."""
        done = int(share * self.total + 1e-9)
        self.job.tick(done - self.ticked)
        self.ticked = done
