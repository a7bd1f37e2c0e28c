"""A demonstration's settings in words: what would have to be written to make the picture again.

Flow: specification -> **settings_text** -> ascents -> store. The page says once what all pictures
of a figure share, and below each picture what is its own.
"""

from collections.abc import Sequence

from torch import Tensor

from lamella.analyses.objectives.context import Context
from lamella.analyses.objectives.expressions import rounded
from lamella.analyses.objectives.specification import Specification
from lamella.analyses.objectives.stored import Record
from lamella.optvis import Crops, Fourier, Maco, Parameterization, Settings, Transformation


def record(context: Context, specification: Specification, texts: Sequence[str]) -> Record:
    """What the page says of a demonstration."""
    settings = specification.settings
    start_only = specification.at == (0,)
    facts = (
        {}
        if start_only
        else {
            "parameterization": parameterization_text(specification.parameterization),
            "start": start_text(specification.start),
            "ascent": rule_text(settings),
            "transformation": transformation_text(
                settings.transformation, context.size, settings.views
            ),
        }
    )
    return {
        "captions": list(specification.captions),
        "expressions": [""] * len(texts) if start_only else list(texts),
        "description": "" if start_only else specification.expression.objective.description,
        "terms": {} if start_only else dict(specification.expression.terms),
        "facts": facts,
        "steps": settings.steps,
    }


def parameterization_text(pictures: Parameterization) -> str:
    """What was optimised."""
    if isinstance(pictures, Maco):
        return "phases alone, under the photographs' mean magnitudes"
    if isinstance(pictures, Fourier):
        colours = "decorrelated colours" if pictures.decorrelated else "RGB"
        spectrum = f"decay {pictures.decay:g}" if pictures.decay else "flat (decay 0)"
        waves = f" from waves of {pictures.wave:g} px on" if pictures.wave < pictures.side else ""
        return f"Fourier, {spectrum}{waves if pictures.decay else ''}, {colours}"
    return "pixels"


def start_text(start: Tensor | str) -> str:
    """Where it began."""
    if isinstance(start, Tensor):
        return "from the image"
    return {"zeros": "from grey"}.get(start, f"from {start}")


def rule_text(settings: Settings) -> str:
    """Steps and their rule."""
    rate = f"{rounded(settings.rate(0)):g}"
    rule = {
        "adam": f"of Adam, rate {rate} falling to a tenth",
        "nadam": f"of NAdam, rate {rate}",
        "plain": f"of I + {rate} * gradient",
        "normalised": f"of I + {rate} * gradient / its RMS",
    }[settings.rule]
    return f"{settings.steps} steps {rule}"


def transformation_text(transformation: Transformation | Crops, size: int, views: int) -> str:
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
