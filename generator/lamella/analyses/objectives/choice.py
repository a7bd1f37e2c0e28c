"""Which unit the page is about, and with what: chosen by the user, else by the survey alone.

Flow: atlas.toml + survey -> **choice** -> context. Imports no torch. Nothing here depends on which
pictures happen to be there already: the same atlas always gives the same page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lamella.errors import ConfigError, did_you_mean
from lamella.images.manifest import Manifest, photograph_named
from lamella.network.description import Network
from lamella.network.units import Layer, Unit, unit_named
from lamella.store.facts import EXAMPLES, Atlas, LayerFacts

if TYPE_CHECKING:
    from lamella.analyses.job import Job
    from lamella.analyses.objectives.settings import PlainOptions

DEPTH = 0.75  # of the network: where units see enough to be somebody, and are no classes yet
NEAR = 0.15
WHERE = "[panels.objectives]"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about.

    Attributes:
        layer: of the unit.
        unit: the unit.
        second: another unit of the layer; None where it has but one.
        image: number of the photograph that pictures are made from.
        output: number of the class; None where the network's own answer decides.
    """

    layer: Layer
    unit: Unit
    second: Unit | None
    image: int
    output: int | None


@dataclass(frozen=True, slots=True)
class Requested:
    """What the user set, parsed; None for what is to be chosen."""

    unit: Unit | None
    second: Unit | None
    output: int | None
    image: int | None


def requested(job: Job) -> Requested:
    """What the user set, parsed.

    Raises:
        ConfigError: it names a layer, channel, class or image that is not there.
    """
    options: PlainOptions = job.settings
    return parsed(
        job.atlas.network,
        job.images.manifest,
        job.model.facts.layers[-1].channels,
        unit=options.unit,
        second=options.second,
        output=getattr(options, "class"),
        image=options.image,
    )


def parsed(
    network: Network,
    manifest: Manifest,
    outputs: int,
    *,
    unit: str | None,
    second: str | None,
    output: str | int | None,
    image: str | None,
) -> Requested:
    """What the user set.

    Args:
        outputs: channels of the network's last layer.
    Raises:
        ConfigError: it names a class or image that is not there.
        UnknownLayer: it names a layer or channel that is not there.
    """
    channels = {layer.name: layer.channels for layer in network.layers}
    first = None if unit is None else unit_named(unit, channels, f"{WHERE} unit")
    other = None if second is None else unit_named(second, channels, f"{WHERE} second")
    if other is not None and (first is None or other.layer != first.layer or other == first):
        raise ConfigError(
            f"{WHERE} second: {second!r} is no other unit of the layer of "
            + (f"{unit!r}." if unit else "a unit, for none is set."),
            "Name two different units of one layer: unit = "
            f'"{other.layer}:0", second = "{other.layer}:1", say.',
        )
    return Requested(
        first,
        other,
        None if output is None else _output(network, outputs, output),
        None if image is None else photograph_named(manifest, image, f"{WHERE} image"),
    )


def _output(network: Network, outputs: int, wanted: str | int) -> int:
    """A class by its name or its number."""
    if isinstance(wanted, str) and wanted in network.classes[:outputs]:
        return network.classes.index(wanted)
    number = int(wanted) if str(wanted).isascii() and str(wanted).isdigit() else -1
    if 0 <= number < outputs:
        return number
    remedy = f"Give a number from 0 to {outputs - 1}, or the name of a class."
    if isinstance(wanted, str):
        remedy = did_you_mean(wanted, network.classes, otherwise=remedy)
    raise ConfigError(f"{WHERE} class: the network has no class {wanted!r}.", remedy)


def chosen(atlas: Atlas, request: Requested) -> Subject:
    """The page's subject: what was asked for, and the best of what was not."""
    name = request.unit.layer if request.unit else fitting_layer(atlas.network.layers).name
    facts = next(facts for facts in atlas.layers() if facts.layer.name == name)
    order, labels = ranked_units(facts)
    unit = request.unit or Unit(name, order[0])
    second = request.second
    if second is None and facts.layer.channels > 1:
        others = [channel for channel in order if channel != unit.channel]
        others += [c for c in range(facts.layer.channels) if c != unit.channel and c not in others]
        # Of another kind of photograph where that can be told: two dogs would show nothing.
        unlike = [channel for channel in others if labels[channel] != labels[unit.channel]]
        second = Unit(name, (unlike or others)[0])
    image = request.image
    if image is None:
        image = max(0, int(facts.of("survey")["top_image"][unit.channel, 0]))
    return Subject(facts.layer, unit, second, image, request.output)


def fitting_layer(layers: Sequence[Layer], depth: float = DEPTH) -> Layer:
    """A layer about so deep: one with positions, an activation function and a kernel of its own."""
    last = max(1, len(layers) - 1)

    def unfit(at: int) -> tuple[bool, bool, bool, bool, float, int]:
        layer, away = layers[at], abs(at / last - depth)
        narrow = layer.kernel == (1, 1)
        return (
            not layer.has_map,
            away > NEAR,
            layer.activation is None,
            narrow,
            away,
            at,
        )

    return layers[min(range(len(layers)), key=unfit)]


def before(layers: Sequence[Layer], name: str) -> dict[str, Layer]:
    """The layers on the way to one, "early", "middle" and "late", which is itself."""
    upto = layers[: [layer.name for layer in layers].index(name) + 1]
    early, middle = (fitting_layer(upto, depth) for depth in (1 / 3, 2 / 3))
    return {"early": early, "middle": middle, "late": upto[-1]}


def ranked_units(facts: LayerFacts) -> tuple[list[int], list[str]]:
    """A layer's units that some photograph excites, best first; and what each is excited by.

    First those whose strongest photographs share a label, then by how far the strongest lies above
    the mean, in standard deviations: a unit that means something, and says so.
    """
    survey = facts.of("survey")
    labels = [photograph.label for photograph in facts.manifest.photographs]
    usual: list[str] = []
    scored = []
    for channel in range(facts.layer.channels):
        top = [
            labels[image]
            for image in survey["top_image"][channel, :EXAMPLES].tolist()
            if image >= 0
        ]
        label, count = Counter(top).most_common(1)[0] if top else ("", 0)
        usual.append(label)
        mean, deviation, peak = (
            float(survey[name][channel]) for name in ("mean", "deviation", "maximum")
        )
        apart = (peak - mean) / deviation if deviation > 0 else 0.0
        if top and np.isfinite(apart) and apart > 0:
            share = count / len(top) if label else 0.0
            scored.append((-share, -apart, channel))
    order = [channel for *_, channel in sorted(scored)]
    return order or list(range(facts.layer.channels)), usual
