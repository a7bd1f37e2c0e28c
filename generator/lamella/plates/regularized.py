"""The plates of the article's second half: what a picture is made of, and what it must withstand.

Flow: studio -> **regularized** -> press. Sections "the enemy of feature visualization", "the
spectrum of regularization" and "preconditioning"; then the lectures' plain rule, and starts from an
image.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007; MACO: Fel et al.
2023, arXiv:2306.06805; DeepDream: Mordvintsev et al. 2015; caricatures: Carter et al. 2019.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lamella.errors import LamellaError
from lamella.optvis import (
    L1,
    L2,
    MACO,
    Blur,
    Caricature,
    Channel,
    DeepDream,
    HighFrequencies,
    Logit,
    Maco,
    Objective,
    Pixels,
    Seen,
    TotalVariation,
    Transformation,
)
from lamella.plates.order import Listing, Order
from lamella.plates.recipes import channel, fourier, usual
from lamella.plates.studio import Studio
from lamella.plates.worded import Worded, rounded
from lamella.units import Unit

SECOND = Listing()
STILL = Transformation(jitter=0, smallest=1, largest=1, rotation=0)
ROBUST = Transformation()
TRIAL = 16  # steps that tell how large a unit's gradients are
RATE = 0.02  # of normalised steps on pixels: their root mean square, of a range from 0 to 1
# Rates of DeepDream by depth: early layers overpaint the image, deep ones hardly find their things.
DREAMT = {"early": 0.03, "middle": 0.06, "late": 0.12}
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
    return pixels(studio, wish, "And less blur", transformation=ROBUST)


@SECOND.add("maco", pictures=2)
def maco(studio: Studio) -> Order:
    captions = ("MACO", "With its opacity")
    phases = Maco(_spectrum(studio), device=studio.model.device)
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


# The lectures' rule: from grey, one number for the length of a step.


def _unit(studio: Studio) -> Order:
    return _lectured(studio, channel(studio), studio.unit)


def _early(studio: Studio) -> Order:
    """The strongest unit of an early layer."""
    layer = studio.layer_before("early").name
    unit = Unit(layer, int(studio.maxima[layer].argmax()) if layer in studio.maxima else 0)
    wish = Worded.of(Channel(torch.tensor([unit.channel])), f"Channel({unit.channel})")
    return _lectured(studio, wish, unit)


def _class(studio: Studio) -> Order:
    unit = Unit(studio.output_layer.name, studio.output)
    wish = Worded.of(Logit(torch.tensor([studio.output])), f"Logit({studio.output})")
    return _lectured(studio, wish, unit)


def _lectured(studio: Studio, wish: Worded, unit: Unit) -> Order:
    """With the lectures' L2 penalty."""
    penalty, text, weight = PENALTIES["l2"]
    if strength := studio.strength_of(unit):
        wish = wish - rounded(weight * strength) * Worded.of(penalty, text)
    return pixels(studio, wish, str(unit), network=studio.network(unit.layer), start="zeros")


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


SECOND.add("raw_small")(_raw(_unit, 0.01, "Too small"))
SECOND.add("raw_right")(_raw(_unit, 1, "About right"))
SECOND.add("raw_large")(_raw(_unit, 100, "Too large"))
SECOND.add("raw_early", needs="early")(_raw(_early, 1, ""))
SECOND.add("raw_class", needs="class")(_raw(_class, 1, ""))
SECOND.add("normal")(_unit)
SECOND.add("normal_early", needs="early")(_early)
SECOND.add("normal_class", needs="class")(_class)


# From an image.


def _photograph(studio: Studio) -> Tensor:
    if studio.photograph is None:
        raise LamellaError("the photograph cannot be decoded")
    return studio.photograph.to(studio.model.device)


def _noise(studio: Studio) -> Tensor:
    """The photographs' magnitudes under random phases: their colours and detail, and no thing."""
    phases = Maco(_spectrum(studio), device=studio.model.device)
    return phases(phases.start([torch.Generator().manual_seed(studio.seed)]))


def _spectrum(studio: Studio) -> Tensor:
    if studio.spectrum is None:
        raise LamellaError("no photograph can be decoded")
    return studio.spectrum


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
    SECOND.add(f"image{_of}", needs=_need, photographic=_public)(_shown(_source, _name))
    for _kind, _make in (("caricature", _caricature), ("dreamt", _dream)):
        for _depth, _deep in (("early", " early"), ("middle", " middle"), ("late", "")):
            SECOND.add(f"{_kind}_{_depth}{_of}", needs=_need + _deep, photographic=_public)(
                _make(_source, _depth)
            )
