"""The plates beyond the article: the lectures' plain rule, and starts from an image.

Flow: studio -> **taught** -> press.

Source: DeepDream: Mordvintsev, Olah and Tyka 2015; caricatures: Carter et al., "Activation Atlas",
Distill 2019, doi:10.23915/distill.00015; the gradient-norm trick: see optvis/rules.py.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from lamella.analyses.objectives.context import Studio
from lamella.analyses.objectives.expressions import Worded, rounded
from lamella.analyses.objectives.objectives import channel, usual
from lamella.analyses.objectives.regularization import PENALTIES, RATE, pixels, spectrum_of
from lamella.analyses.objectives.specification import Listing, Order
from lamella.errors import LamellaError
from lamella.network.units import Unit
from lamella.optvis import Caricature, DeepDream, Logit, Maco, Neuron, Pixels, Seen

THIRD = Listing()
TRIAL = 16  # steps that tell how large a unit's gradients are
# Rates of DeepDream by depth: early layers overpaint the image, deep ones hardly find their things.
DREAMT = {"early": 0.03, "middle": 0.06, "late": 0.12}


# The lectures' rule: from grey, one number for the length of a step.


def _unit(studio: Studio) -> Order:
    return _lectured(studio, channel(studio), studio.unit, "Channel")


def _neuron(studio: Studio) -> Order:
    """One position: its gradient is as many times larger as the map has positions."""
    unit = studio.unit.channel
    wish = Worded.of(Neuron(torch.tensor([unit]), spread=studio.spread), f"Neuron({unit})")
    return _lectured(studio, wish, studio.unit, "Neuron")


def _class(studio: Studio) -> Order:
    unit = Unit(studio.output_layer.name, studio.output)
    wish = Worded.of(Logit(torch.tensor([studio.output])), f"Logit({studio.output})")
    return _lectured(studio, wish, unit, "Class logit")


def _lectured(studio: Studio, wish: Worded, unit: Unit, caption: str) -> Order:
    """With the lectures' L2 penalty."""
    penalty, text, weight = PENALTIES["l2"]
    if strength := studio.strength_of(unit):
        wish = wish - rounded(weight * strength) * Worded.of(penalty, text)
    return pixels(studio, wish, caption, network=studio.network(unit.layer), start="zeros")


def _eta(studio: Studio) -> float:
    """A rate at which raw gradients of the unit do what normalised steps do; a power of ten.

    Gradients grow while the unit wakes, so it is told from the largest of a short ascent.
    """
    order = _unit(studio)
    numbers, size = order.parameterization.zeros(1), 0.0
    for _ in range(TRIAL):
        numbers.requires_grad_()
        images = order.parameterization(numbers)
        value = order.wish.objective(Seen(images, order.network(images)))
        (gradient,) = torch.autograd.grad(value.sum(), numbers)
        mean = float(gradient.double().square().mean().sqrt())
        size = max(size, mean)
        numbers = numbers.detach() + RATE * gradient / (mean or 1.0)
    return float(f"1e{round(math.log10(RATE / size))}") if size else 1.0


def _raw(make: Callable[[Studio], Order], factor: float, caption: str) -> Callable[[Studio], Order]:
    def order(studio: Studio) -> Order:
        made = make(studio)
        settings = replace(made.settings, rule="plain", learning_rate=factor * _eta(studio))
        return replace(made, settings=settings, captions=(caption or made.captions[0],))

    return order


THIRD.add("raw_small")(_raw(_unit, 0.01, "Too small"))
THIRD.add("raw_right")(_raw(_unit, 1, "About right"))
THIRD.add("raw_large")(_raw(_unit, 100, "Too large"))
THIRD.add("raw_neuron", needs="positions")(_raw(_neuron, 1, ""))
THIRD.add("raw_class", needs="class")(_raw(_class, 1, ""))
THIRD.add("normal")(_unit)
THIRD.add("normal_neuron", needs="positions")(_neuron)
THIRD.add("normal_class", needs="class")(_class)


# From an image.


def _photograph(studio: Studio) -> Tensor:
    if studio.photograph is None:
        raise LamellaError("the photograph cannot be decoded")
    return studio.photograph.to(studio.model.device)


def _noise(studio: Studio) -> Tensor:
    """The photographs' magnitudes under random phases: their colours and detail, and no thing."""
    phases = Maco(spectrum_of(studio), device=studio.model.device)
    return phases(phases.start([torch.Generator().manual_seed(studio.seed)]))


def _shown(source: Callable[[Studio], Tensor], caption: str) -> Callable[[Studio], Order]:
    """The image itself: an ascent of which nothing but the start is looked at."""

    def order(studio: Studio) -> Order:
        settings = replace(studio.base, steps=1, snapshots=1)
        given = Pixels(studio.size, device=studio.model.device)
        wish, network = channel(studio), studio.network()
        return Order(wish, (caption,), network, settings, given, source(studio), at=(0,))

    return order


def _caricature(source: Callable[[Studio], Tensor], depth: str) -> Callable[[Studio], Order]:
    def order(studio: Studio) -> Order:
        layer = studio.layer_before(depth)
        network = studio.network(layer.name, observed=True)
        with torch.no_grad():
            objective = Caricature(network(source(studio))[layer.name])
        wish = Worded.of(objective, "Caricature(t)")
        settings = studio.settings_for(layer)
        return usual(studio, wish, layer.name, settings=settings, network=network)

    return order


def _dream(source: Callable[[Studio], Tensor], depth: str) -> Callable[[Studio], Order]:
    def order(studio: Studio) -> Order:
        layer = studio.layer_before(depth)
        steps = max(1, studio.steps // 2)
        settings = studio.settings_for(layer)
        settings = replace(settings, steps=steps, learning_rate=DREAMT[depth])
        wish, network = Worded.of(DeepDream(), "DeepDream()"), studio.network(layer.name)
        start = source(studio)
        return usual(studio, wish, layer.name, settings=settings, network=network, start=start)

    return order


for _source, _of, _public in ((_photograph, "", True), (_noise, "_noise", False)):
    _need = "public" if _public else "private"
    _name = "The photograph" if _public else "Noise with the photographs' spectrum"
    THIRD.add(f"image{_of}", needs=_need, photographic=_public)(_shown(_source, _name))
    for _kind, _make in (("caricature", _caricature), ("dreamt", _dream)):
        for _depth, _deep in (("early", " early"), ("middle", " middle"), ("late", "")):
            THIRD.add(f"{_kind}_{_depth}{_of}", needs=_need + _deep, photographic=_public)(
                _make(_source, _depth)
            )
