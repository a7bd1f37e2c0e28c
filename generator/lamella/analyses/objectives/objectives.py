"""The plates of the article's first half: what is wanted of a picture.

Flow: studio -> **recipes** -> press. Sections "optimization objectives", "diversity" and
"interaction between neurons". regularized.py holds the second half.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007.
"""

from dataclasses import replace
from typing import Any

import torch

from lamella.analyses.objectives.context import Studio
from lamella.analyses.objectives.expressions import Worded, numbers, rounded
from lamella.analyses.objectives.specification import Listing, Order
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

FIRST = Listing()
GROUP = 4  # pictures that are to differ
STRIP = 7  # pictures between two units
VARIETY = 0.5  # times a strong activation: how much differing is worth
DIRECTIONS = 4


def channel(studio: Studio, number: int | None = None, copies: int = 1, layer: str = "") -> Worded:
    """The objective of a unit, for so many pictures."""
    unit = studio.unit.channel if number is None else number
    objective = Channel(torch.full((copies,), unit), spread=studio.spread, layer=layer)
    return Worded.of(objective, *[f"Channel({unit})"] * copies)


def fourier(studio: Studio, settings: Settings, **changes: Any) -> Fourier:
    """The usual parameterization."""
    parts = {"decay": settings.decay, "wave": settings.wave, "deviation": settings.deviation}
    return Fourier(studio.size, **{**parts, **changes}, device=studio.model.device)


def usual(studio: Studio, wish: Worded, *captions: str, **changes: Any) -> Order:
    """A picture of the unit's layer, made as all pictures of an atlas are."""
    settings = changes.pop("settings", studio.base)
    network = changes.pop("network", None) or studio.network()
    return Order(wish, captions, network, settings, fourier(studio, settings), **changes)


@FIRST.add("way", pictures=5)
def way(studio: Studio) -> Order:
    """One ascent, looked at on its way; steps grow fourfold."""
    settings = replace(studio.base, steps=2 * studio.steps, snapshots=1)
    least = enumerate((0, settings.steps // 64, settings.steps // 16, settings.steps // 4))
    at = (*(max(place, steps) for place, steps in least), settings.steps)
    captions = ("Start", *(f"{n} step{'s' * (n > 1)}" for n in at[1:]))
    return usual(studio, channel(studio), *captions, settings=settings, at=at)


@FIRST.add("channel")
def alone(studio: Studio) -> Order:
    return usual(studio, channel(studio), "Channel")


@FIRST.add("neuron", needs="positions")
def neuron(studio: Studio) -> Order:
    unit = studio.unit.channel
    objective = Neuron(torch.tensor([unit]), spread=studio.spread)
    return usual(studio, Worded.of(objective, f"Neuron({unit})"), "Neuron")


@FIRST.add("dream")
def dream(studio: Studio) -> Order:
    return usual(studio, Worded.of(DeepDream(), "DeepDream()"), "Layer")


def of_class(studio: Studio, kind: type[Logit], caption: str) -> Order:
    layer = studio.output_layer
    wish = Worded.of(kind(torch.tensor([studio.output])), f"{kind.__name__}({studio.output})")
    settings, network = studio.settings_for(layer), studio.network(layer.name)
    return usual(studio, wish, caption, settings=settings, network=network)


@FIRST.add("logit", needs="class")
def logit(studio: Studio) -> Order:
    return of_class(studio, Logit, "Class logit")


@FIRST.add("probability", needs="class")
def probability(studio: Studio) -> Order:
    return of_class(studio, Probability, "Class probability")


def answered(studio: Studio) -> torch.Tensor:
    """The direction of what the layer answers to a photograph; a random one without any."""
    if studio.answer is not None:
        return studio.answer
    return torch.randn(1, len(studio.spread), generator=torch.Generator().manual_seed(studio.seed))


@FIRST.add("direction", needs="second")
def direction(studio: Studio) -> Order:
    return usual(studio, Worded.of(Direction(answered(studio)), "Direction(v)"), "Direction")


@FIRST.add("placed", needs="second positions")
def placed(studio: Studio) -> Order:
    row, column = (extent // 4 for extent in studio.positions())
    objective = Direction(answered(studio), power=1, row=row, column=column)
    text = f"Direction(v, power=1, row={row}, column={column})"
    return usual(studio, Worded.of(objective, text), "Direction at a position")


@FIRST.add("diverse", pictures=GROUP)
def diverse(studio: Studio) -> Order:
    """Variety is asked of a layer before: there it is one of texture and colour, not of things."""
    before, own = studio.layer_before("middle").name, studio.unit.layer
    text = f'Diversity({GROUP}, layer="{before}")'
    variety = Worded.of(Diversity(GROUP, layer=before), *[text] * GROUP)
    worth = VARIETY * (studio.strength_of(studio.unit) or 1.0)
    wish = channel(studio, copies=GROUP, layer=own) + rounded(worth) * variety
    names = (f"Different, {n + 1}" for n in range(GROUP))
    network = studio.network(own, before)
    seeds = tuple(studio.seed + n for n in range(GROUP))
    return usual(studio, wish, *names, network=network, seeds=seeds)


@FIRST.add("least")
def least(studio: Studio) -> Order:
    unit = studio.unit.channel
    objective = Channel(torch.tensor([unit]), spread=studio.spread, sign=-1)
    return usual(studio, Worded.of(objective, f"Channel({unit}, sign=-1)"), "Negative")


@FIRST.add("joint", needs="second")
def joint(studio: Studio) -> Order:
    return usual(studio, channel(studio) + _matched(studio) * _other(studio), "Both at once")


@FIRST.add("between", pictures=STRIP, needs="second")
def between(studio: Studio) -> Order:
    """From one unit to the other; the same seed, so that each picture resembles its neighbours."""
    shares = numbers(torch.linspace(0, 1, STRIP).tolist())
    first = torch.tensor(numbers([1 - share for share in shares]))
    other = torch.tensor(numbers([share * _matched(studio) for share in shares]))
    wish = first * channel(studio, copies=STRIP) + other * _other(studio, STRIP)
    ends = {0: str(studio.unit.channel), STRIP - 1: str(studio.second.channel)}
    captions = (ends.get(n, f"{share:.0%}") for n, share in enumerate(shares))
    return usual(studio, wish, *captions, seeds=(studio.seed,) * STRIP)


@FIRST.add("random", pictures=DIRECTIONS, needs="second")
def random(studio: Studio) -> Order:
    """Directions that no training singled out; each coordinate in its channel's own units."""
    drawn = torch.Generator().manual_seed(studio.seed)
    vectors = torch.randn(DIRECTIONS, len(studio.spread), generator=drawn)
    spread = studio.spread.clamp(min=1e-6 + 0.05 * float(studio.spread.mean()))
    texts = tuple(f"Direction(r[{n}])" for n in range(DIRECTIONS))
    names = (f"Random direction {n + 1}" for n in range(DIRECTIONS))
    return usual(
        studio,
        Worded.of(Direction(vectors * spread), *texts),
        *names,
        seeds=(studio.seed,) * DIRECTIONS,
    )


def _other(studio: Studio, copies: int = 1) -> Worded:
    return channel(studio, studio.second.channel, copies)


def _matched(studio: Studio) -> float:
    """What the second unit is worth, so that neither drowns the other."""
    own, other = (float(studio.spread[unit.channel]) for unit in (studio.unit, studio.second))
    return rounded(min(max(own / other, 0.1), 10)) if own > 0 and other > 0 else 1.0
