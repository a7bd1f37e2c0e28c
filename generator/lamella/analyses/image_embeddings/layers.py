"""Which layers' activations make the feature vector of an image.

Flow: a network's layers -> **layers** -> features. By default it is what the last layer reads:
what the network knows of an image before it decides. Where the last layer reads a sum of others, as
in a residual network, their means are summed in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamella.errors import UnknownLayer, did_you_mean

if TYPE_CHECKING:
    from lamella.network.description import Network


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of the feature vector: the sum of equally long runs of channels of some layers.

    Attributes:
        channels: how many.
        layers: (layer's name, its first channel).
    """

    channels: int
    layers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class FeatureLayers:
    """A feature vector: pieces, one after the other.

    Attributes:
        last: whether it is what the last layer reads, rather than a layer that was named.
    """

    pieces: tuple[Piece, ...]
    last: bool

    @property
    def dimensions(self) -> int:
        """The length of the feature vector."""
        return sum(piece.channels for piece in self.pieces)

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers that it is made of, each once."""
        return tuple(dict.fromkeys(name for piece in self.pieces for name, _ in piece.layers))


def feature_layers(network: Network, layer: str) -> FeatureLayers:
    """What a feature vector is made of.

    Args:
        network: with the layers that the atlas is of.
        layer: its name; "" for what the last layer reads, or, where that cannot be told or is left
            out of the atlas, the last layer itself.
    Raises:
        UnknownLayer: the network has no such layer.
    """
    layers = network.layers
    if layer:
        named = next((each for each in layers if each.name == layer), None)
        if named is None:
            raise UnknownLayer(
                f"[panels.image_embeddings] layer: {network.name} has no layer {layer!r}.",
                did_you_mean(
                    layer,
                    [each.name for each in layers],
                    otherwise="`lamella layers` lists them all.",
                ),
            )
        return FeatureLayers((Piece(named.channels, ((named.name, 0),)),), last=False)
    sources = layers[-1].sources
    known = {each.name for each in layers}
    readable = all(part.layers and known.issuperset(dict(part.layers)) for part in sources)
    if not sources or not readable:  # the last layer may read the image itself
        return FeatureLayers((Piece(layers[-1].channels, ((layers[-1].name, 0),)),), last=False)
    return FeatureLayers(
        tuple(Piece(part.channels // part.positions, part.layers) for part in sources), last=True
    )
