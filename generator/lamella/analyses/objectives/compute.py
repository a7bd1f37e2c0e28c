"""Making the plates: the ascent, what is measured of its pictures, and what is written down.

Flow: recipes + engines -> **press** -> panels -> store. A plate that cannot be made says why, and
takes no other with it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lamella.analyses.objectives.context import Studio
from lamella.analyses.objectives.lecture_rules import THIRD
from lamella.analyses.objectives.objectives import FIRST
from lamella.analyses.objectives.regularization import SECOND
from lamella.analyses.objectives.settings_text import told
from lamella.analyses.objectives.specification import Plate
from lamella.engines.local import Stopped, Workers, places
from lamella.errors import LamellaError, said
from lamella.network.activations import cut
from lamella.network.model import Model
from lamella.optvis import Parameterization, ascend, magnitudes

PLATES: tuple[Plate, ...] = (*FIRST.plates, *SECOND.plates, *THIRD.plates)
POINTS = 64  # of a curve
BINS = 24  # of a spectrum


def entries() -> dict[str, range]:
    """The numbers of each plate's pictures, by its key."""
    found, first = {}, 0
    for plate in PLATES:
        found[plate.key] = range(first, first + plate.pictures)
        first += plate.pictures
    return found


@dataclass(frozen=True)
class Pressed:
    """A plate's results.

    Attributes:
        pictures: encoded, empty for none.
        numbers: a row per picture.
        words: captions, expressions, settings; or "problem" alone.
    """

    pictures: tuple[bytes, ...]
    numbers: dict[str, NDArray[Any]]
    words: dict[str, Any]


class Watched:
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


def pressed(studio: Studio, todo: Sequence[Plate], quality: int) -> Iterator[tuple[Plate, Pressed]]:
    """Make plates, on all places of the machine; yields them as they finish."""

    def work(model: Model, plate: Plate, look: Callable[[], None]) -> Pressed:
        try:
            return made(studio.at(model), plate, quality, look)
        except Stopped:
            raise
        except Exception as error:  # one figure must not end the page
            problem = error.problem if isinstance(error, LamellaError) else said(error)
            return failed(plate, problem)

    with Workers(places(studio.model), work) as workers:
        for plate in todo:
            workers.submit(plate, -plate.pictures)  # long ones first: cores finish together
        yield from workers.results()


def failed(plate: Plate, problem: str) -> Pressed:
    """A plate that could not be made."""
    count = plate.pictures
    rows: dict[str, NDArray[Any]] = {
        "curve": np.zeros((count, POINTS), np.float32),
        "excites": np.full(count, np.nan, np.float32),
        "spectrum": np.zeros((count, BINS), np.float32),
        "failed": np.ones(count, np.uint8),
    }
    return Pressed((b"",) * count, rows, {"problem": problem})


def made(studio: Studio, plate: Plate, quality: int, look: Callable[[], None]) -> Pressed:
    """Make one plate."""
    order = plate.make(studio)
    pictures = Watched(order.parameterization, order.at)

    def before(step: int) -> None:
        look()
        pictures.step = step

    ascent = ascend(
        order.network,
        order.wish.objective,
        size=studio.size,
        seeds=order.seeds or (studio.seed,) * len(order.wish.texts),
        settings=order.settings,
        parameterization=pictures,
        start=order.start,
        device=studio.model.device,
        before_step=before,
    )
    images, curve, texts = ascent.images, ascent.curve.cpu(), order.wish.texts
    encoded = []
    if order.at:
        way = [pictures.seen.get(step, images) for step in order.at]
        images = torch.cat(way)
        curve, texts = curve.expand(len(images), -1), texts * len(images)
    encoded = [_encoded(image, None, quality) for image in images]
    if order.faded and ascent.opacity is not None:
        pairs = zip(images, ascent.opacity, strict=True)
        encoded += [_encoded(image, opacity, quality) for image, opacity in pairs]
        images, curve, texts = images.repeat(2, 1, 1, 1), curve.repeat(2, 1), texts * 2
    at = torch.linspace(0, curve.shape[1] - 1, POINTS).round().long()
    rows: dict[str, NDArray[Any]] = {
        "curve": curve[:, at].numpy().astype(np.float32),
        "excites": excites(studio, images),
        "spectrum": np.stack(
            [profile(magnitudes([image[None].cpu()], studio.size)) for image in images]
        ),
        "failed": np.zeros(len(images), np.uint8),
    }
    return Pressed(tuple(encoded), rows, told(studio, order, texts))


@torch.no_grad()
def excites(studio: Studio, images: Tensor) -> NDArray[np.float32]:
    """The unit's peak on each picture, over that on any photograph; NaN where that is not known."""
    observed = cut(studio.model.module, studio.model.traced[studio.unit.layer].observed)
    peak = observed(studio.model.normalise(images))[:, studio.unit.channel].flatten(1).amax(1)
    most = float(studio.maxima[studio.unit.layer][studio.unit.channel])
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


def _encoded(image: Tensor, opacity: Tensor | None, quality: int) -> bytes:
    """A picture as WebP, see-through where its opacity says so."""
    from lamella.figures.encoding import encode

    shown = Image.fromarray((image.permute(1, 2, 0) * 255).round().byte().cpu().numpy())
    if opacity is not None:
        alpha = Image.fromarray((opacity * 255).round().byte().cpu().numpy())
        shown.putalpha(alpha)
    return encode(shown, quality)
