"""The demonstrations of the article's second half: what a picture is made of and must withstand.

Flow: context -> **regularization** -> compute. Sections "the enemy of feature visualization", "the
spectrum of regularization" and "preconditioning"; lecture_rules.py holds what the page adds to
them.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007; MACO: Fel et al.
2023, arXiv:2306.06805.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from lamella.analyses.objectives.context import Context
from lamella.analyses.objectives.expressions import Expression, rounded
from lamella.analyses.objectives.objectives import channel, fourier, usual
from lamella.analyses.objectives.specification import Listing, Specification
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

REGULARIZATION = Listing()
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


def pixels(context: Context, expression: Expression, caption: str, **changes: Any) -> Specification:
    """A picture whose pixels are optimised, by steps of equal length; nothing moves by default."""
    plain: dict[str, Any] = {
        "rule": "normalised",
        "learning_rate": RATE,
        "transformation": STILL,
        "redirect": 0,
    }
    changed = {key: changes.pop(key) for key in list(changes) if key not in {"start", "network"}}
    settings = replace(context.base, **{**plain, **changed})
    network = changes.pop("network", None) or context.network()
    size = Pixels(context.size, planes=context.model.planes.number, device=context.model.device)
    return Specification(expression, (caption,), network, settings, size, **changes)


@REGULARIZATION.add("plain")
def unregularized(context: Context) -> Specification:
    return pixels(context, channel(context), "No regularization")


def _less(context: Context, key: str) -> Expression:
    """The unit, less a penalty."""
    penalty, text, weight = PENALTIES[key]
    weight *= context.strength_of(context.unit) or 1.0
    return channel(context) - rounded(weight) * Expression.of(penalty, text)


def _penalised(key: str) -> Callable[[Context], Specification]:
    return lambda context: pixels(context, _less(context, key), NAMES[key])


for _key in PENALTIES:
    REGULARIZATION.add(_key)(_penalised(_key))


@REGULARIZATION.add("jitter")
def jitter(context: Context) -> Specification:
    moved = replace(STILL, jitter=ROBUST.jitter)
    return pixels(context, channel(context), "Jitter", transformation=moved)


@REGULARIZATION.add("turned")
def turned(context: Context) -> Specification:
    return pixels(
        context, channel(context), "Rotation and scale", transformation=replace(ROBUST, jitter=0)
    )


@REGULARIZATION.add("robust")
def robust(context: Context) -> Specification:
    return pixels(context, channel(context), "All of them", transformation=ROBUST)


@REGULARIZATION.add("smooth")
def smooth(context: Context) -> Specification:
    expression = _less(context, "blur")
    return pixels(context, expression, "All, and a blur penalty", transformation=ROBUST)


def spectrum_of(context: Context) -> Tensor:
    """The photographs' mean magnitudes.

    Raises:
        LamellaError: there is no photograph.
    """
    if context.spectrum is None:
        raise LamellaError("no photograph can be decoded")
    return context.spectrum


@REGULARIZATION.add("maco", pictures=2)
def maco(context: Context) -> Specification:
    captions = ("MACO", "With its opacity")
    phases = Maco(spectrum_of(context), context.model.planes.axes, device=context.model.device)
    settings = replace(MACO, steps=context.steps)
    return Specification(
        channel(context), captions, context.network(), settings, phases, faded=True
    )


# Preconditioning: a flat spectrum is pixels seen through a rotation.


def _spaces(caption: str, **space: Any) -> Callable[[Context], Specification]:
    def specification(context: Context) -> Specification:
        made = usual(context, channel(context), caption)
        return replace(made, parameterization=fourier(context, made.settings, **space))

    return specification


REGULARIZATION.add("flat_rgb")(_spaces("Flat spectrum, RGB", decay=0.0, decorrelated=False))
REGULARIZATION.add("flat")(_spaces("Flat spectrum, decorrelated", decay=0.0))
REGULARIZATION.add("rgb")(_spaces("Low frequencies first, RGB", decorrelated=False))
