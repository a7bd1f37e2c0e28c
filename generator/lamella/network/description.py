"""What pages need to know of a network.

Flow: model -> **description** -> store, pages. No torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamella.network.units import Layer


@dataclass(frozen=True, slots=True)
class Network:
    """The network that an atlas is of.

    Attributes:
        name: as the user calls it; part of every address.
        source: where it came from, `torchvision:resnet18` say.
        digest: SHA-256 of its weights, in hex.
        architecture: digest of what was traced of all its layers.
        parameters: how many numbers it has learned.
        size: height and width of its input, in pixels.
        preprocessing: how an image becomes its input, as plain values.
        layers: in the order in which they run.
        classes: names of its outputs; empty where they have none.
        left_out: what took part in a pass and is not in the atlas: layers and parameters, each by
            its name with the reason.
        outside: how many of its numbers those parameters are.
        notes: what was done so that it runs here, in sentences.
        embedding: why its output counts as no class scores, a sentence; "" where it does.
    """

    name: str
    source: str
    digest: str
    architecture: str
    parameters: int
    size: tuple[int, int]
    preprocessing: Mapping[str, Any]
    layers: tuple[Layer, ...]
    classes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    outside: int = 0
    notes: tuple[str, ...] = ()
    embedding: str = ""

    def class_names(self, layer: Layer) -> tuple[str, ...]:
        """The classes whose logits the units of a layer are; () where they are none."""
        last = self.layers[-1].name == layer.name and not self.embedding
        return self.classes if last and len(self.classes) == layer.channels else ()

    @property
    def units(self) -> int:
        """How many units all its layers have."""
        return sum(layer.channels for layer in self.layers)
