"""Several pictures of each unit, made to differ.

Flow: recipe + batch + engines -> **diverse_batch** -> diversity.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007, section
"Diversity"; the weight is relative to the unit's own activation on photographs, since activations
of different layers differ a thousandfold.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from lamella.analyses.feature_visualization.batch import AllFailed, Batch, make_batch
from lamella.analyses.feature_visualization.recipe import Recipe
from lamella.engines.local import Workers
from lamella.engines.memory import ran_out
from lamella.network.model import Model
from lamella.network.units import Unit
from lamella.optvis import Diversity, Objective


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures of some units of a layer: unit by unit, `number` rows each; None if they failed.

    Units of `failed` have none: one of theirs stopped being numbers, or did not fit into memory.
    """

    layer: str
    channels: tuple[int, ...]
    number: int
    batch: Batch | None
    failed: frozenset[int] = frozenset()


def groups(
    places: Sequence[Model],
    recipes: Mapping[str, Recipe],
    batches: Mapping[str, int],
    todo: Sequence[tuple[str, Sequence[int]]],
    *,
    number: int,
    weight: float,
    seed: int,
) -> Iterator[Group]:
    """Pictures of units of several layers, `number` of each; yields them as they finish.

    Args:
        batches: pictures per batch, by layer; rounded to whole groups.
        weight: of the diversity, in units of the activation.
    """

    def objective(recipe: Recipe) -> Callable[[Sequence[int]], Objective]:
        def of(channels: Sequence[int]) -> Objective:
            scale = torch.ones(len(channels))
            if recipe.norms.maximum is not None:
                scale = recipe.norms.maximum[list(channels)].abs().clamp(min=1e-6)
            return recipe.objective(channels) + (weight * scale) * Diversity(number)

        return of

    def work(
        model: Model, task: tuple[str, tuple[int, ...]], before_step: Callable[[], None]
    ) -> Group:
        layer, channels = task
        units = max(1, batches[layer] // number)
        padded = channels + channels[-1:] * (units - len(channels))
        rows = [channel for channel in padded for _ in range(number)]
        seeds = [Unit(layer, c).seed(seed, which + 1) for c in padded for which in range(number)]
        recipe = recipes[layer]
        try:
            made = make_batch(
                model,
                recipe,
                rows,
                seeds,
                batch=len(rows),
                objective=objective(recipe),
                before_step=before_step,
            )
        except AllFailed:
            return Group(layer, channels, number, None)
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
            return Group(layer, channels, number, None)
        failed = frozenset(
            channels[row // number] for row in made.failed if row // number < len(channels)
        )
        return Group(layer, channels, number, made, failed)

    with Workers(places, work) as workers:
        for at, (layer, channels) in enumerate(todo):
            units = max(1, batches[layer] // number)
            for first in range(0, len(channels), units):
                workers.submit((layer, tuple(channels[first : first + units])), at)
        for _, group in workers.results():
            yield group
