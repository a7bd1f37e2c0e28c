"""A batch of pictures, made and measured; a unit that fails takes nobody with it.

Flow: recipe + measures -> **batch** -> campaign, diverse_batch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from lamella.analyses.feature_visualization.measures import Measured, measured
from lamella.analyses.feature_visualization.recipe import Recipe, not_visualized
from lamella.analyses.feature_visualization.stored import GREY
from lamella.network.model import Model
from lamella.optvis import Ascent, NoGradient, NotFinite, Objective, ascend
from lamella.optvis.param import scrambled


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of a batch, one row per unit asked for; all on the CPU.

    Attributes:
        made: the ascent.
        measured: what the clean pictures excite.
        failed: whose values or gradients stopped being numbers, by row; their pictures are others'.
        problem: what was wrong with the last of those.
    """

    made: Ascent
    measured: Measured
    failed: frozenset[int]
    problem: str = ""

    def weak(self, row: int) -> bool:
        """Whether a picture is worth another attempt: dead, grey, or beaten by a photograph."""
        if row in self.failed:
            return False
        grey = float(self.measured.contrast[row]) < GREY
        return bool(self.made.dead[row]) or grey or not bool(self.measured.beats[row])


def make_batch(
    model: Model,
    recipe: Recipe,
    channels: Sequence[int],
    seeds: Sequence[int],
    *,
    batch: int,
    attempt: int = 1,
    objective: Callable[[Sequence[int]], Objective] | None = None,
    spectra: Tensor | None = None,
    before_step: Callable[[], None] = lambda: None,
) -> Batch:
    """Pictures of units of one layer, at most `batch` of them.

    Args:
        channels, seeds: one per picture.
        batch: the size that is computed, whatever is asked for: a picture's bytes depend on it.
        attempt: see `Recipe.objective`.
        objective: from channels, one per picture, to what is raised, in place of the recipe's.
        spectra: images to start from, `(image, plane, size, size)`, of which only the magnitudes of
            their spectra are kept.
        before_step: called before each step; what it raises ends the ascent.
    Raises:
        LamellaError: the layer cannot be visualized at all.
    """
    wanted = objective or (lambda numbers: recipe.objective(numbers, attempt))
    rows = list(range(len(channels)))
    failed: set[int] = set()
    problem = ""
    while True:
        padded = rows + rows[-1:] * (batch - len(rows))
        units, own = [channels[row] for row in padded], [seeds[row] for row in padded]
        start = "noise" if spectra is None else scrambled(spectra[padded], own, model.planes.axes)
        try:
            made = ascend(
                recipe.target(model),
                wanted(units),
                size=recipe.size,
                seeds=own,
                settings=recipe.settings_of(attempt),
                start=start,
                device=model.device,
                before_step=lambda step: before_step(),
            )
        except NotFinite as error:
            broken = {rows[at] for at in error.images if at < len(rows)} or set(rows)
            failed |= broken
            problem = str(error)
            sound = [row for row in range(len(channels)) if row not in failed]
            if not sound:
                raise AllFailed(problem) from error
            rows = [row if row not in failed else sound[0] for row in range(len(channels))]
            continue
        except NoGradient as error:
            raise AllFailed(str(error)) from error
        except ValueError as error:
            raise not_visualized(recipe.layer, f": {error}") from error
        count = len(channels)
        kept = Ascent(
            images=made.images[:count].cpu(),
            curve=made.curve[:count].cpu(),
            value=made.value[:count].cpu(),
            step=made.step[:count].cpu(),
            dead=made.dead[:count].cpu(),
        )
        # Measured in the whole batch: the same shapes, hence the same bytes, every time.
        found = measured(recipe.observed(model), made.images, units, recipe.norms, recipe.negative)
        return Batch(kept, found.first(count), frozenset(failed), problem)


class AllFailed(ValueError):
    """No unit of a batch gave finite numbers, or a gradient."""


def better(first: Batch, row: int, again: Batch, other: int) -> bool:
    """Whether another attempt's picture should replace the first one's."""
    if other in again.failed or bool(again.made.dead[other]):
        return False
    hopeless = bool(first.made.dead[row]) or float(first.measured.contrast[row]) < GREY
    if float(again.measured.contrast[other]) < GREY:
        return False
    return hopeless or bool(again.measured.beats[other])
