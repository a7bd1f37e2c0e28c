"""A picture for each cell: gradient ascent towards its mean direction, on all cores.

Flow: stored + optvis + engines -> **pictures** -> compute. Pictures of a fixed batch share no
gradient, and a batch holds the same cells whatever was made before, so that their bytes repeat.

What is raised is `(d . a) * max(cos(d, a), 0.1) ** 2`, the mean over positions, with `a` the
layer's values and `d` the cell's mean vector less the mean of all vectors. The paper multiplies the
mean vector by the inverse of the vectors' covariance and the dot product by a power of the cosine.
Tried on 16 cells of a trained SqueezeNet's last fire module, 96 px and 64 steps; the cosine of the
picture's mean values with the cell's mean vector, and the share of pictures that are nearer to
their own cell than to any other of 112:

    mean vector, plain dot product            0.47    0.12   (what all cells share: faces)
    mean vector, cosine to the power 2, 4     0.67, 0.69    0.94, 0.88
    less the mean of all, power 0, 2, 4       0.64, 0.72, 0.68    0.62, 0.81, 0.75
    whitened, ridge 1 and 0.1, power 2        0.66, 0.63    0.81, 0.69

Taking away the mean keeps what makes the cell differ, as whitening does, and needs no covariance of
channels from some thousands of vectors. The centre position in place of the mean over all reached
0.59 where the mean reached 0.67, at 80 px; 64, 80, 96 px reached 0.61, 0.67, 0.72.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lamella.analyses.activation_atlas.sampling import drawn, values_of
from lamella.analyses.activation_atlas.spaces import Space
from lamella.analyses.activation_atlas.stored import CELLS_A_BATCH
from lamella.engines.local import Workers, places
from lamella.network.folding import CONVOLUTION, Folding
from lamella.network.model import Model
from lamella.optvis import Direction, NotFinite, Settings, ascend
from lamella.optvis.side import fitting_side

SIDE = 80
POWER = 2.0
REDIRECTED = 16  # first steps that pass by ReLUs which let nothing through


@dataclass(frozen=True, slots=True)
class Batch:
    """The pictures of one batch.

    Attributes:
        pixels: sRGB bytes, `(picture, side, side, 3)`; black where none could be made.
        answers: the layer's mean values on each, float32, `(picture, channel)`.
    """

    pixels: NDArray[np.uint8]
    answers: NDArray[np.float32]


def picture_side(model: Model, spaces: Sequence[Space], wanted: int | None) -> int:
    """Side of the pictures: what is asked for, else 80 px, else the network's own size.

    Raises:
        LamellaError: the network does not run at it.
    """
    return fitting_side(
        {space.name: partial(values_of, model, space) for space in spaces},
        wanted=wanted,
        usual=SIDE,
        native=max(model.facts.size),
        planes=model.planes.number,
        device=model.device,
        setting="[panels.activation_atlas] size",
    )


def aims(means: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float32]:
    """The direction of each cell: its mean less the mean of all; the mean itself where all cells
    are the same."""
    apart = means - usual
    far = np.linalg.norm(apart, axis=1) > 1e-6 * np.linalg.norm(means, axis=1)
    return np.where(far[:, None], apart, means).astype(np.float32)


def seed_of(seed: int, space: Space, level: int, row: int, column: int) -> int:
    """A cell's own seed."""
    return drawn(seed, f"{space.name}/{level}/{row}/{column}") >> 1  # torch takes 63 bits


def batches_made(
    model: Model,
    space: Space,
    aims: NDArray[np.float32],
    seeds: Sequence[int],
    *,
    side: int,
    steps: int,
    batches: Sequence[int],
) -> Iterator[tuple[int, Batch]]:
    """Make batches of pictures, on all places of the machine; yields them as they finish.

    Args:
        aims: the directions of all cells, none of them zero.
        batches: which batches of `CELLS_A_BATCH` cells are to be made.
    """
    redirect, axes = min(REDIRECTED, steps // 4), model.planes.axes
    settings = Settings(steps=steps, redirect=redirect, axes=axes)
    settings = settings.seen(side, model.facts.size).for_field(space.field)

    def work(at: Model, batch: int, look: Callable[[], None]) -> Batch:
        own = slice(batch * CELLS_A_BATCH, (batch + 1) * CELLS_A_BATCH)
        vectors, numbers = torch.from_numpy(aims[own]), list(seeds[own])
        return _batch(at, space, vectors, numbers, side, settings, look)

    with Workers(places(model), work) as workers:
        for batch in batches:
            workers.submit(batch)
        yield from workers.results()


def _batch(
    model: Model,
    space: Space,
    vectors: Tensor,
    seeds: list[int],
    side: int,
    settings: Settings,
    look: Callable[[], None],
) -> Batch:
    """One batch; the last one is filled up with copies of its first picture."""
    number = len(seeds)
    filled = [*range(number), *[0] * (CELLS_A_BATCH - number)]
    failed: set[int] = set()
    while True:
        try:
            ascent = ascend(
                _network(model, space),
                Direction(vectors[filled], power=POWER),
                size=side,
                seeds=[seeds[at] for at in filled],
                settings=settings,
                device=model.device,
                before_step=lambda step: look(),
            )
            break
        except NotFinite as error:  # the others are made as if nothing had happened
            failed |= {filled[at] for at in error.images}
            good = [at for at in range(number) if at not in failed]
            if not good:
                return Batch(
                    np.zeros((number, side, side, 3), np.uint8),
                    np.zeros((number, vectors.shape[1]), np.float32),
                )
            filled = [at if at not in failed else good[0] for at in filled]
    with torch.no_grad():
        answers = values_of(model, space, ascent.images).float().mean((2, 3))
    shown = model.pictures(ascent.images)
    lost = sorted(failed)
    shown[lost], answers[lost] = 0, 0.0
    return Batch(shown[:number], answers[:number].cpu().numpy())


def _network(model: Model, space: Space) -> Callable[[Tensor], Tensor]:
    """Pictures to the space's values; what is normalised behind a convolution is folded into it."""
    targets = [model.traced[layer.name].observed for layer in space.layers]
    # A convolution whose own output is asked for must not carry what comes behind it.
    own = {at.ordinal for at in targets if at.function == CONVOLUTION}
    folds = {ordinal: fold for ordinal, fold in model.folds.items() if ordinal not in own}

    def seen(images: Tensor) -> Tensor:
        half = torch.autocast("cuda", torch.bfloat16, enabled=model.device.type == "cuda")
        with half, Folding(folds) if folds else nullcontext():
            return values_of(model, space, images)

    return seen
