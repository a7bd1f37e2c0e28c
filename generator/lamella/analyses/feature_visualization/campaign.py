"""All pictures of some layers: one queue for all places of the machine, more attempts for the weak.

Flow: recipe + batch + engines -> **campaign** -> compute.

A batch that finishes hands on its good pictures at once. Units that are dead, grey or beaten by a
photograph wait until the rest of their layer is done, and are tried again together. Since no
picture depends on its neighbours, nor on when it was made, neither does the outcome.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lamella.analyses.feature_visualization.batch import AllFailed, Batch, better, make_batch
from lamella.analyses.feature_visualization.recipe import ATTEMPTS, Recipe
from lamella.engines.local import Workers
from lamella.engines.memory import MOST, bytes_of, fitting, limit_of, ran_out
from lamella.errors import ModelError
from lamella.network.model import Model
from lamella.network.units import Unit

MEMORY = "out of memory"  # in place of pictures: the batch was too large
Outcome = Batch | str


@dataclass(frozen=True, slots=True)
class Task:
    """One batch: channels of one layer, at one attempt."""

    layer: str
    channels: tuple[int, ...]
    attempt: int = 1
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """One unit's picture so far: a row of a batch, its attempt, and how many were made."""

    channel: int
    batch: Batch
    row: int
    attempt: int
    tries: int

    @property
    def image(self) -> Tensor:
        """The picture in [0, 1], `(plane, size, size)`."""
        return self.batch.made.images[self.row]


@dataclass(frozen=True, slots=True)
class Finished:
    """Pictures of one layer that are done, and units that failed for good, with the reason."""

    layer: str
    batch: int
    pictures: tuple[Candidate, ...]
    failed: tuple[int, ...] = ()
    problem: str = ""


class Campaign:
    """Pictures of units of several layers.

    Args:
        places: the network, once per place; see engines.
        recipes: by layer.
        batches: the batch size of each layer; those that have none are given one by a probe, and
            those that do not fit into memory a smaller one.
        seed: of the whole atlas.
        best: the part of a photograph that excites a unit most, `(plane, size, size)`, given the
            unit and the size; None where there is none.
    """

    def __init__(
        self,
        places: Sequence[Model],
        recipes: Mapping[str, Recipe],
        batches: MutableMapping[str, int],
        *,
        seed: int,
        best: Callable[[Unit, int], Tensor | None] = lambda unit, size: None,
        memory: float | None = None,
    ) -> None:
        self.places, self.recipes, self.batches = places, recipes, batches
        self.seed, self.best, self.memory = seed, best, memory
        self._order: dict[str, int] = {}
        self._open: Counter[str] = Counter()
        self._waiting: defaultdict[str, dict[int, Candidate]] = defaultdict(dict)

    def run(self, todo: Sequence[tuple[str, Sequence[int]]]) -> Iterator[Finished]:
        """Make pictures; yields them as they finish, layer by layer as far as the queue goes.

        Raises:
            ModelError: a layer cannot be visualized, or one picture of it does not fit.
        """
        # Later attempts of a layer go before the next layers: so layers finish one by one.
        self._order = {layer: at for at, (layer, _) in enumerate(todo)}
        for layer in self._order:
            if layer not in self.batches:
                self.batches[layer] = self._probed(self.recipes[layer])
        with Workers(self.places, self._made) as workers:
            for layer, channels in todo:
                self._submit(workers, layer, channels, attempt=1)
            for task, outcome in workers.results():
                yield from self._taken(workers, task, outcome)

    def _probed(self, recipe: Recipe) -> int:
        """The batch size of a layer, by a forward and backward pass of one and of two pictures."""
        model = self.places[0]
        cpu = model.device.type != "cuda"
        limit = limit_of(model, len(self.places) if cpu else 1, self.memory)
        target = recipe.target(model)
        most = min(MOST["cpu" if cpu else "cuda"], 8 * math.ceil(recipe.layer.channels / 8))
        return fitting(lambda images: bytes_of(target, model, recipe.size, images), limit, most)

    def _submit(
        self,
        workers: Workers[Task, Outcome],
        layer: str,
        channels: Sequence[int],
        attempt: int,
    ) -> None:
        batch = self.batches[layer]
        for first in range(0, len(channels), batch):
            run = tuple(channels[first : first + batch])
            self._open[layer] += 1
            workers.submit(Task(layer, run, attempt, batch), self._order[layer])

    def _made(self, model: Model, task: Task, before_step: Callable[[], None]) -> Outcome:
        """A batch at one place; a text where it could not be made."""
        if task.batch > self.batches[task.layer]:  # has not fitted since this was put in the queue
            return MEMORY
        recipe = self.recipes[task.layer]
        seeds = [Unit(task.layer, channel).seed(self.seed) for channel in task.channels]
        spectra = self._spectra(task, recipe) if task.attempt == ATTEMPTS else None
        try:
            return make_batch(
                model,
                recipe,
                task.channels,
                seeds,
                batch=task.batch,
                attempt=task.attempt,
                spectra=spectra,
                before_step=before_step,
            )
        except AllFailed as error:
            return str(error)
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
        if model.device.type == "cuda":
            torch.cuda.empty_cache()
        self._smaller(task)
        return MEMORY

    def _spectra(self, task: Task, recipe: Recipe) -> Tensor:
        """What the last attempt starts from: best photographs, or noise of the unit's own."""
        found = []
        for channel in task.channels:
            unit = Unit(task.layer, channel)
            image = self.best(unit, recipe.size)
            if image is None:
                generator = torch.Generator().manual_seed(unit.seed(self.seed, ATTEMPTS))
                planes = self.places[0].planes.number
                image = torch.rand(planes, recipe.size, recipe.size, generator=generator)
            found.append(image)
        return torch.stack(found)

    def _taken(
        self, workers: Workers[Task, Outcome], task: Task, outcome: Outcome
    ) -> Iterator[Finished]:
        """Sort the pictures of a batch into those that are done and those to be tried again."""
        layer, waiting = task.layer, self._waiting[task.layer]
        self._open[layer] -= 1
        if outcome == MEMORY:
            self._submit(workers, layer, task.channels, task.attempt)
        elif isinstance(outcome, str):  # no unit gave numbers: what an earlier attempt found stays
            kept = tuple(waiting.pop(each) for each in task.channels if each in waiting)
            failed = task.channels if task.attempt == 1 else ()
            yield Finished(layer, task.batch, kept, failed, outcome)
        else:
            done: list[Candidate] = []
            hopeless: list[int] = []
            for row, channel in enumerate(task.channels):
                best = waiting.pop(channel, None)
                if row in outcome.failed and best is None:
                    hopeless.append(channel)
                    continue
                if best is None or better(best.batch, best.row, outcome, row):
                    best = Candidate(channel, outcome, row, task.attempt, task.attempt)
                best = replace(best, tries=task.attempt)
                if best.batch.weak(best.row) and task.attempt < ATTEMPTS:
                    waiting[channel] = best
                else:
                    done.append(best)
            yield Finished(layer, task.batch, tuple(done), tuple(hopeless), outcome.problem)
        if not self._open[layer] and waiting:
            self._submit(workers, layer, sorted(waiting), task.attempt + 1)

    def _smaller(self, task: Task) -> None:
        """Half the batch for the rest of a layer; tasks in the queue shrink as they come up."""
        if task.batch == 1:
            raise ModelError(
                f"Layer {task.layer!r}: one picture of {self.recipes[task.layer].size} px does not "
                "fit into memory.",
                "Set [panels.feature_visualization] size smaller, or choose --device cpu.",
            )
        self.batches[task.layer] = min(self.batches[task.layer], max(1, task.batch // 2))
