"""The ascents of demonstrations: their pictures, what is measured of these, and what is said.

Flow: specification + engines -> **ascents** -> compute. A demonstration that cannot be made says
why, and takes no other with it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lamella.analyses.objectives.context import Context
from lamella.analyses.objectives.settings_text import record
from lamella.analyses.objectives.specification import Demonstration
from lamella.analyses.objectives.stored import Record
from lamella.engines.local import Stopped, Workers, places
from lamella.errors import LamellaError, said
from lamella.figures.encoding import encode
from lamella.network.activations import cut
from lamella.network.model import Model
from lamella.optvis import Parameterization, ascend, magnitudes

POINTS = 64  # of a curve
BINS = 24  # of a spectrum


@dataclass(frozen=True)
class Result:
    """What a demonstration comes to.

    Attributes:
        pictures: encoded, empty for none.
        numbers: a row per picture.
        record: captions, expressions, settings; or "problem" alone.
    """

    pictures: tuple[bytes, ...]
    numbers: dict[str, NDArray[Any]]
    record: Record


class Recorded:
    """A parameterization that remembers its pictures at some steps.

    Attributes:
        step: the one that the ascent is at.
        seen: the pictures, by step.
    """

    def __init__(self, inner: Parameterization, steps: Sequence[int]) -> None:
        self.inner, self.side = inner, inner.side
        self.start, self.zeros, self.of = inner.start, inner.zeros, inner.of
        self.confine = inner.confine
        self.steps, self.step = frozenset(steps), 0
        self.seen: dict[int, Tensor] = {}

    def __call__(self, numbers: Tensor) -> Tensor:
        images = self.inner(numbers)
        if self.step in self.steps and self.step not in self.seen:
            self.seen[self.step] = images.detach().clone()
        return images


def results(
    context: Context, todo: Sequence[Demonstration], quality: int
) -> Iterator[tuple[Demonstration, Result]]:
    """Make demonstrations, on all places of the machine; yields them as they finish."""

    def work(model: Model, demonstration: Demonstration, look: Callable[[], None]) -> Result:
        try:
            return result(context.at(model), demonstration, quality, look)
        except Stopped:
            raise
        except Exception as error:  # one figure must not end the page
            problem = error.problem if isinstance(error, LamellaError) else said(error)
            return failure(demonstration, problem)

    with Workers(places(context.model), work) as workers:
        for demonstration in todo:
            # Long ones first: cores finish together.
            workers.submit(demonstration, -demonstration.pictures)
        yield from workers.results()


def failure(demonstration: Demonstration, problem: str) -> Result:
    """A demonstration that could not be made."""
    count = demonstration.pictures
    rows: dict[str, NDArray[Any]] = {
        "curve": np.zeros((count, POINTS), np.float32),
        "excites": np.full(count, np.nan, np.float32),
        "spectrum": np.zeros((count, BINS), np.float32),
        "failed": np.ones(count, np.uint8),
    }
    return Result((b"",) * count, rows, {"problem": problem})


def result(
    context: Context, demonstration: Demonstration, quality: int, look: Callable[[], None]
) -> Result:
    """Make one demonstration."""
    specification = demonstration.make(context)
    pictures = Recorded(specification.parameterization, specification.at)
    settings = specification.settings.seen(context.size, context.model.facts.size)

    def before(step: int) -> None:
        look()
        pictures.step = step

    ascent = ascend(
        specification.network,
        specification.expression.objective,
        size=context.size,
        seeds=specification.seeds or (context.seed,) * len(specification.expression.texts),
        settings=settings,
        parameterization=pictures,
        start=specification.start,
        device=context.model.device,
        before_step=before,
    )
    images, curve, texts = ascent.images, ascent.curve.cpu(), specification.expression.texts
    if specification.at:
        way = [pictures.seen.get(step, images) for step in specification.at]
        images = torch.cat(way)
        curve, texts = curve.expand(len(images), -1), texts * len(images)
    shown = context.model.pictures(images)
    encoded = [_encoded(picture, None, quality, settings.frame) for picture in shown]
    if specification.faded and ascent.opacity is not None:
        pairs = zip(shown, ascent.opacity, strict=True)
        encoded += [_encoded(each, opacity, quality, settings.frame) for each, opacity in pairs]
        images, curve, texts = images.repeat(2, 1, 1, 1), curve.repeat(2, 1), texts * 2
    axes = context.model.planes.axes
    at = torch.linspace(0, curve.shape[1] - 1, POINTS).round().long()
    rows: dict[str, NDArray[Any]] = {
        "curve": curve[:, at].numpy().astype(np.float32),
        "excites": excites(context, images),
        "spectrum": np.stack(
            [profile(magnitudes([image[None].cpu()], context.size, axes)) for image in images]
        ),
        "failed": np.zeros(len(images), np.uint8),
    }
    return Result(tuple(encoded), rows, record(context, specification, texts))


@torch.no_grad()
def excites(context: Context, images: Tensor) -> NDArray[np.float32]:
    """The unit's peak on each picture, over that on any photograph; NaN where that is not known."""
    observed = cut(context.model.module, context.model.traced[context.unit.layer].observed)
    peak = observed(context.model.normalise(images))[:, context.unit.channel].flatten(1).amax(1)
    most = float(context.maxima[context.unit.layer][context.unit.channel])
    ratio: NDArray[np.float32] = (peak.float().cpu() / (most if most > 0 else np.nan)).numpy()
    return ratio


def profile(magnitude: Tensor) -> NDArray[np.float32]:
    """A spectrum's mean magnitude of lightness by frequency: `BINS` rings up to half a cycle."""
    side = magnitude.shape[1]
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    ring = np.minimum((frequency * 2 * BINS).astype(int), BINS)  # the corners lie beyond
    ring[0, 0] = BINS
    total = np.bincount(ring.ravel(), magnitude[0].double().numpy().ravel(), BINS + 1)
    number = np.bincount(ring.ravel(), minlength=BINS + 1)
    return (total / np.maximum(number, 1))[:BINS].astype(np.float32)


def _encoded(
    picture: NDArray[np.uint8],
    opacity: Tensor | None,
    quality: int,
    seen: tuple[int, int] | None,
) -> bytes:
    """A picture as WebP, see-through where its opacity says so; what is seen of it, if not all."""
    shown = Image.fromarray(picture)
    if opacity is not None:
        alpha = Image.fromarray((opacity * 255).round().byte().cpu().numpy())
        shown.putalpha(alpha)
    if seen:
        top, left = ((picture.shape[1] - extent) // 2 for extent in seen)
        shown = shown.crop((left, top, left + seen[1], top + seen[0]))
    return encode(shown, quality)
