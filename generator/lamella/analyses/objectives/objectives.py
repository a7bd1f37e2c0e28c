"""The demonstrations of the article's first half: what is wanted of a picture.

Flow: context -> **objectives** -> compute. Sections "optimization objectives", "diversity" and
"interaction between neurons". regularization.py holds the second half.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007.
"""

from dataclasses import replace
from typing import Any

import torch

from lamella.analyses.objectives.context import Context
from lamella.analyses.objectives.expressions import Expression, numbers, rounded
from lamella.analyses.objectives.specification import Listing, Specification
from lamella.optvis import (
    Channel,
    DeepDream,
    Direction,
    Diversity,
    Fourier,
    Logit,
    Neuron,
    Probability,
    Settings,
)

OBJECTIVES = Listing()
GROUP = 4  # pictures that are to differ
BETWEEN = 7  # pictures between two units
VARIETY = 0.5  # times a strong activation: how much differing is worth
DIRECTIONS = 4


def channel(
    context: Context, number: int | None = None, copies: int = 1, layer: str = ""
) -> Expression:
    """The objective of a unit, for so many pictures."""
    unit = context.unit.channel if number is None else number
    objective = Channel(torch.full((copies,), unit), spread=context.spread, layer=layer)
    return Expression.of(objective, *[f"Channel({unit})"] * copies)


def fourier(context: Context, settings: Settings, **changes: Any) -> Fourier:
    """The usual parameterization."""
    parts = {"decay": settings.decay, "wave": settings.wave, "deviation": settings.deviation}
    axes = settings.axes
    return Fourier(context.size, axes=axes, **{**parts, **changes}, device=context.model.device)


def usual(
    context: Context, expression: Expression, *captions: str, **changes: Any
) -> Specification:
    """A picture of the unit's layer, made as all pictures of an atlas are."""
    settings = changes.pop("settings", context.base)
    network = changes.pop("network", None) or context.network()
    return Specification(
        expression, captions, network, settings, fourier(context, settings), **changes
    )


@OBJECTIVES.add("way", pictures=5)
def way(context: Context) -> Specification:
    """One ascent, looked at on its way; steps grow fourfold."""
    settings = replace(context.base, steps=2 * context.steps, snapshots=1)
    least = enumerate((0, settings.steps // 64, settings.steps // 16, settings.steps // 4))
    at = (*(max(place, steps) for place, steps in least), settings.steps)
    captions = ("Start", *(f"{n} step{'s' * (n > 1)}" for n in at[1:]))
    return usual(context, channel(context), *captions, settings=settings, at=at)


@OBJECTIVES.add("channel")
def alone(context: Context) -> Specification:
    return usual(context, channel(context), "Channel")


@OBJECTIVES.add("neuron", needs="positions")
def neuron(context: Context) -> Specification:
    unit = context.unit.channel
    objective = Neuron(torch.tensor([unit]), spread=context.spread)
    return usual(context, Expression.of(objective, f"Neuron({unit})"), "Neuron")


@OBJECTIVES.add("dream")
def dream(context: Context) -> Specification:
    return usual(context, Expression.of(DeepDream(), "DeepDream()"), "Layer")


def of_class(context: Context, kind: type[Logit], caption: str) -> Specification:
    layer = context.output_layer
    expression = Expression.of(
        kind(torch.tensor([context.output])), f"{kind.__name__}({context.output})"
    )
    settings, network = context.settings_for(layer), context.network(layer.name)
    return usual(context, expression, caption, settings=settings, network=network)


@OBJECTIVES.add("logit", needs="class")
def logit(context: Context) -> Specification:
    return of_class(context, Logit, "Class logit")


@OBJECTIVES.add("probability", needs="class")
def probability(context: Context) -> Specification:
    return of_class(context, Probability, "Class probability")


def response_direction(context: Context) -> torch.Tensor:
    """The direction of what the layer answers to a photograph; a random one without any."""
    if context.response is not None:
        return context.response
    return torch.randn(
        1, len(context.spread), generator=torch.Generator().manual_seed(context.seed)
    )


@OBJECTIVES.add("direction", needs="second")
def direction(context: Context) -> Specification:
    return usual(
        context, Expression.of(Direction(response_direction(context)), "Direction(v)"), "Direction"
    )


@OBJECTIVES.add("placed", needs="second positions")
def placed(context: Context) -> Specification:
    row, column = (extent // 4 for extent in context.positions())
    objective = Direction(response_direction(context), power=1, row=row, column=column)
    text = f"Direction(v, power=1, row={row}, column={column})"
    return usual(context, Expression.of(objective, text), "Direction at a position")


@OBJECTIVES.add("diverse", pictures=GROUP)
def diverse(context: Context) -> Specification:
    """Variety is asked of a layer before: there it is one of texture and colour, not of things."""
    before, own = context.layer_before("middle").name, context.unit.layer
    text = f'Diversity({GROUP}, layer="{before}")'
    variety = Expression.of(Diversity(GROUP, layer=before), *[text] * GROUP)
    worth = VARIETY * (context.strength_of(context.unit) or 1.0)
    expression = channel(context, copies=GROUP, layer=own) + rounded(worth) * variety
    names = (f"Different, {n + 1}" for n in range(GROUP))
    network = context.network(own, before)
    seeds = tuple(context.seed + n for n in range(GROUP))
    return usual(context, expression, *names, network=network, seeds=seeds)


@OBJECTIVES.add("least")
def least(context: Context) -> Specification:
    unit = context.unit.channel
    objective = Channel(torch.tensor([unit]), spread=context.spread, sign=-1)
    return usual(context, Expression.of(objective, f"Channel({unit}, sign=-1)"), "Negative")


@OBJECTIVES.add("joint", needs="second")
def joint(context: Context) -> Specification:
    return usual(context, channel(context) + _matched(context) * _other(context), "Both at once")


@OBJECTIVES.add("between", pictures=BETWEEN, needs="second")
def between(context: Context) -> Specification:
    """From one unit to the other; the same seed, so that each picture resembles its neighbours."""
    shares = numbers(torch.linspace(0, 1, BETWEEN).tolist())
    first = torch.tensor(numbers([1 - share for share in shares]))
    other = torch.tensor(numbers([share * _matched(context) for share in shares]))
    expression = first * channel(context, copies=BETWEEN) + other * _other(context, BETWEEN)
    ends = {0: str(context.unit.channel), BETWEEN - 1: str(context.second.channel)}
    captions = (ends.get(n, f"{share:.0%}") for n, share in enumerate(shares))
    return usual(context, expression, *captions, seeds=(context.seed,) * BETWEEN)


@OBJECTIVES.add("random", pictures=DIRECTIONS, needs="second")
def random(context: Context) -> Specification:
    """Directions that no training singled out; each coordinate in its channel's own units."""
    drawn = torch.Generator().manual_seed(context.seed)
    vectors = torch.randn(DIRECTIONS, len(context.spread), generator=drawn)
    spread = context.spread.clamp(min=1e-6 + 0.05 * float(context.spread.mean()))
    texts = tuple(f"Direction(r[{n}])" for n in range(DIRECTIONS))
    names = (f"Random direction {n + 1}" for n in range(DIRECTIONS))
    return usual(
        context,
        Expression.of(Direction(vectors * spread), *texts),
        *names,
        seeds=(context.seed,) * DIRECTIONS,
    )


def _other(context: Context, copies: int = 1) -> Expression:
    return channel(context, context.second.channel, copies)


def _matched(context: Context) -> float:
    """What the second unit is worth, so that neither drowns the other."""
    own, other = (float(context.spread[unit.channel]) for unit in (context.unit, context.second))
    return rounded(min(max(own / other, 0.1), 10)) if own > 0 and other > 0 else 1.0
