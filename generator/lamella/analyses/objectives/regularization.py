"""The plates of the article's second half: what a picture is made of, and what it must withstand.

Flow: studio -> **regularized** -> press. Sections "the enemy of feature visualization", "the
spectrum of regularization" and "preconditioning"; taught.py holds what the page adds to them.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007; MACO: Fel et al.
2023, arXiv:2306.06805.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from lamella.analyses.objectives.context import Studio
from lamella.analyses.objectives.expressions import Worded, rounded
from lamella.analyses.objectives.objectives import channel, fourier, usual
from lamella.analyses.objectives.specification import Listing, Order
from lamella.errors import LamellaError
from lamella.optvis import (
    L1,
    L2,
    MACO,
    Blur,
    HighFrequencies,
    Maco,
    Objective,
    Pixels,
    TotalVariation,
    Transformation,
)

SECOND = Listing()
STILL = Transformation(jitter=0, smallest=1, largest=1, rotation=0)
ROBUST = Transformation()
RATE = 0.02  # of normalised steps on pixels: their root mean square, of a range from 0 to 1
# Penalties, and their weights as multiples of a strong activation.
PENALTIES: dict[str, tuple[Objective, str, float]] = {
    "l1": (L1(), "L1()", 5),
    "l2": (L2(), "L2()", 20),
    "variation": (TotalVariation(), "TotalVariation()", 4),
    "blur": (Blur(), "Blur()", 200),
    "frequencies": (HighFrequencies(), "HighFrequencies()", 500),
}
NAMES = {
    "l1": "L1 to grey",
    "l2": "L2 to grey",
    "variation": "Total variation",
    "blur": "Blur",
    "frequencies": "High frequencies",
}


def pixels(studio: Studio, wish: Worded, caption: str, **changes: Any) -> Order:
    """A picture whose pixels are optimised, by steps of equal length; nothing moves by default."""
    plain: dict[str, Any] = {
        "rule": "normalised",
        "learning_rate": RATE,
        "transformation": STILL,
        "redirect": 0,
    }
    changed = {key: changes.pop(key) for key in list(changes) if key not in {"start", "network"}}
    settings = replace(studio.base, **{**plain, **changed})
    network = changes.pop("network", None) or studio.network()
    size = Pixels(studio.size, device=studio.model.device)
    return Order(wish, (caption,), network, settings, size, **changes)


@SECOND.add("plain")
def unregularized(studio: Studio) -> Order:
    return pixels(studio, channel(studio), "No regularization")


def _less(studio: Studio, key: str) -> Worded:
    """The unit, less a penalty."""
    penalty, text, weight = PENALTIES[key]
    weight *= studio.strength_of(studio.unit) or 1.0
    return channel(studio) - rounded(weight) * Worded.of(penalty, text)


def _penalised(key: str) -> Callable[[Studio], Order]:
    return lambda studio: pixels(studio, _less(studio, key), NAMES[key])


for _key in PENALTIES:
    SECOND.add(_key)(_penalised(_key))


@SECOND.add("jitter")
def jitter(studio: Studio) -> Order:
    moved = replace(STILL, jitter=ROBUST.jitter)
    return pixels(studio, channel(studio), "Jitter", transformation=moved)


@SECOND.add("turned")
def turned(studio: Studio) -> Order:
    return pixels(
        studio, channel(studio), "Rotation and scale", transformation=replace(ROBUST, jitter=0)
    )


@SECOND.add("robust")
def robust(studio: Studio) -> Order:
    return pixels(studio, channel(studio), "All of them", transformation=ROBUST)


@SECOND.add("smooth")
def smooth(studio: Studio) -> Order:
    wish = _less(studio, "blur")
    return pixels(studio, wish, "All, and a blur penalty", transformation=ROBUST)


def spectrum_of(studio: Studio) -> Tensor:
    """The photographs' mean magnitudes.

    Raises:
        LamellaError: there is no photograph.
    """
    if studio.spectrum is None:
        raise LamellaError("no photograph can be decoded")
    return studio.spectrum


@SECOND.add("maco", pictures=2)
def maco(studio: Studio) -> Order:
    captions = ("MACO", "With its opacity")
    phases = Maco(spectrum_of(studio), device=studio.model.device)
    settings = replace(MACO, steps=studio.steps)
    return Order(channel(studio), captions, studio.network(), settings, phases, faded=True)


# Preconditioning: a flat spectrum is pixels seen through a rotation.


def _spaces(caption: str, **space: Any) -> Callable[[Studio], Order]:
    def order(studio: Studio) -> Order:
        made = usual(studio, channel(studio), caption)
        return replace(made, parameterization=fourier(studio, made.settings, **space))

    return order


SECOND.add("flat_rgb")(_spaces("Flat spectrum, RGB", decay=0.0, decorrelated=False))
SECOND.add("flat")(_spaces("Flat spectrum, decorrelated", decay=0.0))
SECOND.add("rgb")(_spaces("Low frequencies first, RGB", decorrelated=False))
