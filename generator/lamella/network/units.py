"""Units and layers.

Flow: trace -> **units** -> survey, store, figures, pages. Pure arithmetic: no torch, no disk, no
GPU.
"""

import hashlib
import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lamella.errors import UnknownLayer, did_you_mean
from lamella.places.field import Field, ReceptiveField

# Activation functions that are none of those that have a name.
OWN = "a function of its own"
OWN_POSITIVE = f"{OWN}, never negative"
OWN_SMOOTH = f"{OWN}, a little negative"
OTHER_HALF = "its own other half"
_NEVER_NEGATIVE = frozenset(
    {"relu", "relu6", "sigmoid", "hardsigmoid", "softplus", "softmax", OWN_POSITIVE}
)
_SMOOTH = frozenset({"gelu", "quick_gelu", "silu", "mish", "hardswish", OWN_SMOOTH})


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of an image, in pixels: the corner nearest the origin, and its extents."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of a layer's input channels, and where each comes from.

    Input channel `first + i` carries channel `offset + i // positions` of every `(layer, offset)`
    in `layers`: one layer after a plain connection or a concatenation, several after a sum.

    Attributes:
        first: first input channel of the run.
        channels: how many input channels.
        layers: `(layer name, offset)` pairs; empty where the input image itself is meant.
        positions: input channels per source channel; more than 1 after a flattened map.
    """

    first: int
    channels: int
    layers: tuple[tuple[str, int], ...]
    positions: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """One direction in a layer's channel space; a channel is the one-hot direction."""

    layer: str
    channel: int

    def __str__(self) -> str:
        return f"{self.layer}:{self.channel}"

    def seed(self, of: int, which: int = 0) -> int:
        """The unit's own seed: the same whatever else is computed, and in whatever order.

        Args:
            of: the whole atlas' seed.
            which: of several pictures of the unit.
        """
        name = f"{of}/{self}/{which}" if which else f"{of}/{self}"
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")


@dataclass(frozen=True, slots=True)
class Layer:
    """A module with learned kernels, observed after the normalization and activation behind it.

    Attributes:
        name: the module's path in the network.
        kind: what it is, in the field's words: "convolution", "depthwise convolution", "linear".
        channels: how many units.
        height, width: positions per axis at the network's own image size; 1 for a vector.
        field: its receptive field; None where it is the whole image or cannot be told.
        kernel: rows and columns of its kernel.
        inputs: input channels of one kernel.
        groups: groups of the convolution.
        activation: the activation function behind it, "relu" say; None where there is none.
        sources: where its input channels come from, in order; empty where that cannot be told.
        placed: whether its positions lie on the image, in rows and columns; otherwise they stand in
            one column, as far as there are several.
        apart: positions that are no part of it: class and register tokens.
        gated: whether something of the whole image comes in besides the field: a factor of each
            channel (squeeze and excitation), or a normalization over all positions.
        multiplied: by what its values are multiplied behind it, number by number: the name of the
            other layer of a gated product (GLU, SwiGLU), or OTHER_HALF; "" for nothing.
        follows: the layers whose values flow into it, in the order in which they run: one behind a
            plain connection, several behind a sum, a concatenation, a product; "" is the image.
            Empty where that was not traced.
    """

    name: str
    kind: str
    channels: int
    height: int
    width: int
    field: Field | None
    kernel: tuple[int, int] = (1, 1)
    inputs: int = 0
    groups: int = 1
    activation: str | None = None
    sources: tuple[Segment, ...] = ()
    placed: bool = True
    apart: int = 0
    gated: bool = False
    multiplied: str = ""
    follows: tuple[str, ...] = ()

    @property
    def has_map(self) -> bool:
        """Whether it has several positions, which lie on the image."""
        return self.placed and self.height * self.width > 1

    @property
    def units(self) -> tuple[Unit, ...]:
        """All units of the layer, in order."""
        return tuple(Unit(self.name, channel) for channel in range(self.channels))

    @property
    def signed(self) -> bool:
        """Whether its activations can be clearly negative."""
        return not self.smooth and self.activation not in _NEVER_NEGATIVE

    @property
    def smooth(self) -> bool:
        """Whether they are a little negative where a ReLU would be zero: -0.17 at least behind
        GELU, -0.38 behind hardswish."""
        return self.activation in _SMOOTH

    @property
    def ceiling(self) -> float:
        """The largest value that its activation function lets through; infinity for none."""
        return {"relu6": 6.0, "sigmoid": 1.0, "tanh": 1.0}.get(self.activation or "", math.inf)

    def box(self, row: int, column: int, height: int, width: int) -> Box:
        """The part of an image of `height` by `width` pixels that one position sees."""
        if self.field is None:
            return Box(0, 0, width, height)
        top, bottom = self.field.rows.span(row, height)
        left, right = self.field.columns.span(column, width)
        return Box(left, top, right - left, bottom - top)

    def source(self, channel: int, index: int) -> tuple[Unit, ...]:
        """The units that the `index`-th input of a channel's kernel reads; () for the image."""
        per_group = max(1, self.channels // self.groups)
        wanted = channel // per_group * self.inputs + index
        for segment in self.sources:
            if segment.first <= wanted < segment.first + segment.channels:
                behind = (wanted - segment.first) // segment.positions
                return tuple(Unit(name, offset + behind) for name, offset in segment.layers)
        return ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON. What is seldom there is left out: older stores have it not."""
        plain = asdict(self)
        return plain if self.multiplied else {k: v for k, v in plain.items() if k != "multiplied"}

    def computed_of(self) -> dict[str, Any]:
        """What of it results depend on; which layers it follows is for the eye only."""
        plain = self.as_dict()
        del plain["follows"]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Layer":
        """The layer that `as_dict` wrote."""
        field = plain["field"]
        return cls(
            name=plain["name"],
            kind=plain["kind"],
            channels=plain["channels"],
            height=plain["height"],
            width=plain["width"],
            field=field
            and Field(ReceptiveField(**field["rows"]), ReceptiveField(**field["columns"])),
            kernel=tuple(plain["kernel"]),
            inputs=plain["inputs"],
            groups=plain["groups"],
            activation=plain["activation"],
            sources=tuple(
                Segment(
                    first=segment["first"],
                    channels=segment["channels"],
                    layers=tuple((name, offset) for name, offset in segment["layers"]),
                    positions=segment["positions"],
                )
                for segment in plain["sources"]
            ),
            placed=plain.get("placed", True),  # of stores from before
            apart=plain.get("apart", 0),
            gated=plain.get("gated", False),
            multiplied=plain.get("multiplied", ""),
            follows=tuple(plain.get("follows", ())),
        )


def among(layers: Sequence[Layer], names: Container[str]) -> tuple[Layer, ...]:
    """Some of a network's layers; what flows into them through the others comes from where those
    have it."""
    origins: dict[str, tuple[str, ...]] = {"": ("",)}
    found = []
    for layer in layers:
        every = dict.fromkeys(name for each in layer.follows for name in origins.get(each, ()))
        origins[layer.name] = (layer.name,) if layer.name in names else tuple(every)
        if layer.name in names:
            found.append(replace(layer, follows=tuple(every)))
    return tuple(found)


def unit_named(text: str, channels: Mapping[str, int], where: str) -> Unit:
    """The unit that is written as `layer:channel`.

    Args:
        channels: how many each layer has.
        where: what names it, for the error.
    Raises:
        UnknownLayer: there is none.
    """
    name, _, number = text.rpartition(":")
    if not (name and number.isascii() and number.isdigit()):
        first = next(iter(channels))
        raise UnknownLayer(
            f"{where}: {text!r} names no unit.", f'Write layer:channel, "{first}:0" say.'
        )
    if name not in channels:
        known = ", ".join(list(channels)[:8])
        raise UnknownLayer(
            f"{where}: there is no layer {name!r}.",
            did_you_mean(name, channels, otherwise=f"Known: {known}."),
        )
    if int(number) >= channels[name]:
        raise UnknownLayer(
            f"{where}: layer {name!r} has no channel {number}.",
            f"It has channels 0 to {channels[name] - 1}.",
        )
    return Unit(name, int(number))
