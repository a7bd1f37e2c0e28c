"""The demonstrations beyond the article: the lectures' plain rule, and starts from an image.

Flow: context -> **lecture_rules** -> compute.

Source: DeepDream: Mordvintsev, Olah and Tyka 2015; caricatures: Carter et al., "Activation Atlas",
Distill 2019, doi:10.23915/distill.00015; the gradient-norm trick: see optvis/update_rules.py.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from lamella.analyses.objectives.context import Context
from lamella.analyses.objectives.expressions import Expression, rounded
from lamella.analyses.objectives.objectives import channel, usual
from lamella.analyses.objectives.regularization import PENALTIES, RATE, pixels, spectrum_of
from lamella.analyses.objectives.specification import Listing, Specification
from lamella.errors import LamellaError
from lamella.network.units import Unit
from lamella.optvis import Caricature, DeepDream, Logit, Maco, Neuron, Pixels, Seen

LECTURES = Listing()
TRIAL = 16  # steps that tell how large a unit's gradients are
# Rates of DeepDream by depth: early layers overpaint the image, deep ones hardly find their things.
DREAMT = {"early": 0.03, "middle": 0.06, "late": 0.12}


# The lectures' rule: from grey, one number for the length of a step.


def _unit(context: Context) -> Specification:
    return _lectured(context, channel(context), context.unit, "Channel")


def _neuron(context: Context) -> Specification:
    """One position: its gradient is as many times larger as the map has positions."""
    unit = context.unit.channel
    expression = Expression.of(
        Neuron(torch.tensor([unit]), spread=context.spread), f"Neuron({unit})"
    )
    return _lectured(context, expression, context.unit, "Neuron")


def _class(context: Context) -> Specification:
    unit = Unit(context.output_layer.name, context.output)
    expression = Expression.of(Logit(torch.tensor([context.output])), f"Logit({context.output})")
    return _lectured(context, expression, unit, "Class logit")


def _lectured(context: Context, expression: Expression, unit: Unit, caption: str) -> Specification:
    """With the lectures' L2 penalty."""
    penalty, text, weight = PENALTIES["l2"]
    if strength := context.strength_of(unit):
        expression = expression - rounded(weight * strength) * Expression.of(penalty, text)
    return pixels(context, expression, caption, network=context.network(unit.layer), start="zeros")


def _eta(context: Context) -> float:
    """A rate at which raw gradients of the unit do what normalised steps do; a power of ten.

    Gradients grow while the unit wakes, so it is told from the largest of a short ascent.
    """
    specification = _unit(context)
    numbers, size = specification.parameterization.zeros(1), 0.0
    for _ in range(TRIAL):
        numbers.requires_grad_()
        images = specification.parameterization(numbers)
        value = specification.expression.objective(Seen(images, specification.network(images)))
        (gradient,) = torch.autograd.grad(value.sum(), numbers)
        mean = float(gradient.double().square().mean().sqrt())
        size = max(size, mean)
        numbers = numbers.detach() + RATE * gradient / (mean or 1.0)
    return float(f"1e{round(math.log10(RATE / size))}") if size else 1.0


def _raw(
    make: Callable[[Context], Specification], factor: float, caption: str
) -> Callable[[Context], Specification]:
    def specification(context: Context) -> Specification:
        made = make(context)
        settings = replace(made.settings, rule="plain", learning_rate=factor * _eta(context))
        return replace(made, settings=settings, captions=(caption or made.captions[0],))

    return specification


LECTURES.add("raw_small")(_raw(_unit, 0.01, "Too small"))
LECTURES.add("raw_right")(_raw(_unit, 1, "About right"))
LECTURES.add("raw_large")(_raw(_unit, 100, "Too large"))
LECTURES.add("raw_neuron", needs="positions")(_raw(_neuron, 1, ""))
LECTURES.add("raw_class", needs="class")(_raw(_class, 1, ""))
LECTURES.add("normal")(_unit)
LECTURES.add("normal_neuron", needs="positions")(_neuron)
LECTURES.add("normal_class", needs="class")(_class)


# From an image.


def _photograph(context: Context) -> Tensor:
    if context.photograph is None:
        raise LamellaError("the photograph cannot be decoded")
    return context.photograph.to(context.model.device)


def _noise(context: Context) -> Tensor:
    """The photographs' magnitudes under random phases: their colours and detail, and no thing."""
    phases = Maco(spectrum_of(context), context.model.planes.axes, device=context.model.device)
    return phases(phases.start([torch.Generator().manual_seed(context.seed)]))


def _shown(source: Callable[[Context], Tensor], caption: str) -> Callable[[Context], Specification]:
    """The image itself: an ascent of which nothing but the start is looked at."""

    def specification(context: Context) -> Specification:
        settings = replace(context.base, steps=1, snapshots=1)
        given = Pixels(
            context.size, planes=context.model.planes.number, device=context.model.device
        )
        expression, network = channel(context), context.network()
        return Specification(
            expression, (caption,), network, settings, given, source(context), at=(0,)
        )

    return specification


def _caricature(
    source: Callable[[Context], Tensor], depth: str
) -> Callable[[Context], Specification]:
    def specification(context: Context) -> Specification:
        layer = context.layer_before(depth)
        network = context.network(layer.name, observed=True)
        with torch.no_grad():
            objective = Caricature(network(source(context))[layer.name])
        expression = Expression.of(objective, "Caricature(t)")
        settings = context.settings_for(layer)
        return usual(context, expression, layer.name, settings=settings, network=network)

    return specification


def _dream(source: Callable[[Context], Tensor], depth: str) -> Callable[[Context], Specification]:
    def specification(context: Context) -> Specification:
        layer = context.layer_before(depth)
        steps = max(1, context.steps // 2)
        settings = context.settings_for(layer)
        settings = replace(settings, steps=steps, learning_rate=DREAMT[depth])
        expression, network = Expression.of(DeepDream(), "DeepDream()"), context.network(layer.name)
        start = source(context)
        return usual(
            context, expression, layer.name, settings=settings, network=network, start=start
        )

    return specification


for _source, _of, _public in ((_photograph, "", True), (_noise, "_noise", False)):
    _need = "public" if _public else "private"
    _name = "The photograph" if _public else "Noise with the photographs' spectrum"
    LECTURES.add(f"image{_of}", needs=_need, photographic=_public)(_shown(_source, _name))
    for _kind, _make in (("caricature", _caricature), ("dreamt", _dream)):
        for _depth, _deep in (("early", " early"), ("middle", " middle"), ("late", "")):
            LECTURES.add(f"{_kind}_{_depth}{_of}", needs=_need + _deep, photographic=_public)(
                _make(_source, _depth)
            )
