"""What is known of a tensor of a pass, and one operation as the rules see it.

Flow: codes, origins -> **values** -> rules, recording.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from lamella.places.codes import PER_IMAGE, Places, compact
from lamella.places.field import Field
from lamella.places.origins import Origins, Run

ACTIVATIONS = frozenset(
    [
        "relu",
        "relu6",
        "hardtanh",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "mish",
        "softplus",
        "softsign",
        "hardswish",
        "hardsigmoid",
        "sigmoid",
        "tanh",
        "prelu",
        "rrelu",
        "logsigmoid",
    ]
)
NORMS = frozenset(["batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"])
IDENTITIES = frozenset(
    ["dropout", "dropout1d", "dropout2d", "alpha_dropout", "contiguous", "clone", "to", "float"]
)


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of one tensor of a forward pass.

    Attributes:
        shape: of the tensor.
        axis: the axis of its channels.
        places: where its numbers lie; None where unknown.
        channels: of each number, whose channel it carries, as `origins` has it; of the shape of
            the tensor. None where unknown.
    """

    shape: tuple[int, ...]
    axis: int = 1
    places: Places | None = None
    channels: Tensor | None = None
    origins: Origins | None = field(default=None, repr=False)

    @classmethod
    def unknown(cls, tensor: Tensor) -> Value:
        """Of a tensor of which nothing is known."""
        return cls(tuple(tensor.shape), min(1, tensor.dim() - 1))

    def twice(self) -> Value:
        """As if two images had it, one behind the other.

        Where a pass is of one image, any axis but that of the channels may be that of the images.
        """
        axis = 1 if self.axis == 0 and len(self.shape) > 1 else 0
        shape = tuple(2 * n if at == axis else n for at, n in enumerate(self.shape))
        places = self.places
        if places is not None:
            codes = torch.cat([places.codes, places.codes + PER_IMAGE], dim=axis)
            places = replace(places, codes=codes)
        return replace(self, shape=shape, places=places, channels=None)

    @property
    def field(self) -> Field | None:
        """What a position sees; None where that is the whole image, or unknown."""
        return self.places.field if self.places is not None else None

    @property
    def runs(self) -> tuple[Run, ...] | None:
        """Whose channels it carries, along the axis of its channels; None where unknown."""
        if self.channels is None or self.origins is None:
            return None
        return self.origins.runs(self.channels, self.axis)


@dataclass(frozen=True, slots=True)
class Call:
    """One operation.

    Attributes:
        name: of the torch function, without the underscore of what happens in place.
        shape: of its result.
        operands: what is known of the tensors that it reads, and that come from the image.
        values: the same, by the ids of those tensors.
    """

    name: str
    shape: tuple[int, ...]
    operands: Sequence[Value]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    origins: Origins
    values: Mapping[int, Value]

    @property
    def first(self) -> Value:
        return self.operands[0]

    def argument(self, at: int, name: str, default: Any = None) -> Any:
        """An argument, however it was passed."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[at] if len(self.args) > at else default

    def made(
        self, places: Places | None, channels: Tensor | None, axis: int | None = None
    ) -> Value:
        """The value of its result; what is not of its shape is not believed."""
        if places is not None and tuple(places.codes.shape) != self.shape:
            places = None
        if channels is not None and tuple(channels.shape) != self.shape:
            channels = None
        places = places and replace(places, codes=compact(places.codes))
        channels = None if channels is None else compact(channels)
        if axis is None and channels is not None:
            axis = self.origins.axis(channels)
        axis = min(1, len(self.shape) - 1) if axis is None else axis
        return Value(self.shape, axis, places, channels, self.origins)
