"""A plate's settings in words: what would have to be written to make the picture again.

Flow: order -> **told** -> press -> store. The page says once what all pictures of a figure share,
and below each picture what is its own.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from lamella.analyses.objectives.context import Studio
from lamella.analyses.objectives.expressions import rounded
from lamella.analyses.objectives.specification import Order
from lamella.optvis import Crops, Fourier, Maco, Parameterization, Settings, Transformation


def told(studio: Studio, order: Order, texts: Sequence[str]) -> dict[str, Any]:
    """What the page says of a plate: plain values."""
    settings = order.settings
    watched = order.at == (0,)
    facts = (
        {}
        if watched
        else {
            "parameterization": parameterized(order.parameterization),
            "start": started(order.start),
            "ascent": climbed(settings),
            "transformation": shaken(settings.transformation, studio.size, settings.views),
        }
    )
    return {
        "captions": list(order.captions),
        "expressions": [""] * len(texts) if watched else list(texts),
        "description": "" if watched else order.wish.objective.description,
        "terms": {} if watched else dict(order.wish.terms),
        "facts": facts,
        "steps": settings.steps,
    }


def parameterized(pictures: Parameterization) -> str:
    """What was optimised."""
    if isinstance(pictures, Maco):
        return "phases alone, under the photographs' mean magnitudes"
    if isinstance(pictures, Fourier):
        colours = "decorrelated colours" if pictures.decorrelated else "RGB"
        spectrum = f"decay {pictures.decay:g}" if pictures.decay else "flat (decay 0)"
        waves = f" from waves of {pictures.wave:g} px on" if pictures.wave < pictures.side else ""
        return f"Fourier, {spectrum}{waves if pictures.decay else ''}, {colours}"
    return "pixels"


def started(start: Tensor | str) -> str:
    """Where it began."""
    if isinstance(start, Tensor):
        return "from the image"
    return {"zeros": "from grey"}.get(start, f"from {start}")


def climbed(settings: Settings) -> str:
    """Steps and their rule."""
    rate = f"{rounded(settings.rate(0)):g}"
    rule = {
        "adam": f"of Adam, rate {rate} falling to a tenth",
        "nadam": f"of NAdam, rate {rate}",
        "plain": f"of I + {rate} * gradient",
        "normalised": f"of I + {rate} * gradient / its RMS",
    }[settings.rule]
    return f"{settings.steps} steps {rule}"


def shaken(transformation: Transformation | Crops, size: int, views: int) -> str:
    """What the picture had to withstand."""
    if isinstance(transformation, Crops):
        many = f"{views} crops" if views > 1 else "a crop"
        return (
            f"{many} a step of {transformation.first:.0%} to {transformation.last:.0%} of the "
            f"side, noise {transformation.noise:g}"
        )
    if transformation.still:
        return "not transformed"
    parts = []
    if transformation.jitter:
        parts.append(f"jitter {round(transformation.jitter * size)} px")
    if transformation.smallest != 1 or transformation.largest != 1:
        parts.append(f"scale {transformation.smallest:g} to {transformation.largest:g}")
    if transformation.rotation:
        parts.append(f"rotation {transformation.rotation:g}°")
    return ", ".join(parts)
