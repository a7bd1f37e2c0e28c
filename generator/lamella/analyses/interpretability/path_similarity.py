"""The path of an image through a network: what it does to every layer on the way to a unit.

Flow: comparison + model -> **path_similarity** -> compute. A picture can excite a unit as
strongly as photographs do and yet get there by other channels; then it says little of how the
network sees photographs.

Source: Geirhos, Zimmermann, Bilodeau, Brendel and Kim, "Don't trust your eyes: on the
(un)reliability of feature visualizations", ICML 2024, arXiv:2306.04719. There Spearman's rank
correlation compares whole activation maps; here each channel's mean over positions, since picture
and photograph show their feature in different places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.interpretability.comparison import Comparison
from lamella.analyses.interpretability.patches import Pixels, cut, drawn, in_batches
from lamella.analyses.interpretability.stored import KINDS, PATH, known_mean, number
from lamella.analyses.interpretability.stored import Values as Means
from lamella.errors import ModelError
from lamella.network.units import Layer
from lamella.numbers import rank_correlation as ranks

if TYPE_CHECKING:
    from torch import Tensor

    from lamella.network.model import Model

Values = NDArray[np.float32]

PHOTOGRAPHS = 5  # of a unit, whose path is followed


def pooled(
    model: Model,
    layers: Sequence[Layer],
    images: NDArray[Any],
    shown: Callable[[NDArray[Any]], Tensor] | None = None,
) -> list[Values]:
    """The mean over positions of every channel of these layers: for each, (image, channel).

    One forward pass, which ends at the deepest of the layers. Squares that a network of rectangles
    does not run on lie in the middle of a grey image of its own size.

    Args:
        images, shown: see `in_batches`.
    """
    from lamella.network.activations import visit

    def see(batch: Tensor) -> list[Tensor]:
        kept: dict[str, Tensor] = {}

        def visitor(name: str) -> Callable[[Tensor], None]:
            def keep(values: Tensor) -> None:
                kept[name] = values.float().mean((2, 3))

            return keep

        visitors = {model.traced[layer.name].observed: visitor(layer.name) for layer in layers}
        try:
            visit(model.module, model.normalise(batch), visitors)
        except ModelError:
            if len(set(model.facts.size)) == 1:
                raise
            visit(model.module, model.normalise(model.squared(batch)), visitors)
        return [kept[layer.name] for layer in layers]

    return in_batches(model, images, see, shown)


def ranked(values: Values) -> Values:
    """Rows to vectors whose inner products are Spearman's rank correlations, (image, channel).

    Equal values share the mean of their ranks. A row of equal values has no correlation with
    anything: NaN.
    """
    vectors: Values = ranks.ranked(values[:, None]).astype(np.float32)
    return vectors


def paths(
    picture: Values, natural: Values, others: Values, own: NDArray[np.bool_]
) -> tuple[Means, Means, Means]:
    """How alike images are in one layer, for each unit: three mean similarities, NaN: not known.

    Args:
        picture: ranked activations of the units' pictures, (unit, channel).
        natural: of the photographs that excite each unit, (unit, photograph, channel).
        others: of photographs that excite other units, (other, channel).
        own: which others are a unit's own and do not count for it, (unit, other).

    Returns:
        Of the picture with the unit's photographs; of these with each other; of these with
        others, which is what any two images that excite units of a layer have in common.
    """
    first, second = np.triu_indices(natural.shape[1], 1)
    # Unit by unit, as matmul does it: a product's last digits depend on how many rows it has.
    among = (natural @ natural.transpose(0, 2, 1))[:, first, second]
    apart = natural @ others.T
    apart[np.broadcast_to(own[:, None], apart.shape)] = np.nan
    return (
        known_mean((natural @ picture[:, :, None])[:, :, 0]),
        known_mean(among),
        known_mean(apart.reshape(len(apart), -1)),
    )


class PathSimilarity:
    """The layers on the way to one layer, and the activations of other units' photographs in them.

    Attributes:
        layers: all that were traced, up to and with that one, in the order in which they run.
        width: how many were traced in all.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        every = comparison.job.model.facts.layers
        self.width = len(every)
        names = [layer.name for layer in every]
        self.layers = every[: names.index(comparison.layer.name) + 1]
        self.channels = np.repeat(comparison.others, PHOTOGRAPHS)
        self.others = self._natural(comparison.others)

    def _natural(self, channels: Sequence[int]) -> list[Values]:
        """Ranked activations of units' strongest photographs: per layer, row after row of units.

        A unit with fewer photographs than `PHOTOGRAPHS` has rows of NaN.
        """
        at = self.comparison
        places = [at.places(channel, at.side)[0][:PHOTOGRAPHS] for channel in channels]
        rows = [
            unit * PHOTOGRAPHS + place
            for unit, own in enumerate(places)
            for place in range(len(own))
        ]
        every = [place for own in places for place in own]
        different = list(dict.fromkeys(every))
        index = {place: row for row, place in enumerate(different)}
        found = self._ranked(cut(at.job.images.values, different, at.side))
        return [
            _placed(values[[index[place] for place in every]], rows, len(channels) * PHOTOGRAPHS)
            for values in found
        ]

    def _ranked(
        self, images: NDArray[Any], shown: Callable[[NDArray[Any]], Tensor] | None = None
    ) -> list[Values]:
        """Ranked activations in every layer, (image, channel) each; without images, no rows."""
        if not len(images):
            return [np.zeros((0, layer.channels), np.float32) for layer in self.layers]
        model = self.comparison.job.model
        return [ranked(values) for values in pooled(model, self.layers, images, shown)]

    def of(self, channels: Sequence[int], pictures: Mapping[int, Pixels]) -> dict[str, Values]:
        """`PATH` of each kind, (unit, traced layer), see `paths`.

        NaN behind the layer, and where something is not known.

        Args:
            pictures: sRGB bytes, (row, column, 3), of those units that have one.
        """
        rows = [row for row, channel in enumerate(channels) if channel in pictures]
        shown = [pictures[channel] for channel in channels if channel in pictures]
        model = self.comparison.job.model
        made = self._ranked(np.array(shown), partial(drawn, model))
        own = np.array(channels)[:, None] == self.channels
        found = np.full((3, len(channels), self.width), np.nan, np.float32)
        natural = self._natural(channels)
        for depth, values in enumerate(natural):
            picture = _placed(made[depth], rows, len(channels))
            by_unit = values.reshape(len(channels), PHOTOGRAPHS, -1)
            found[:, :, depth] = paths(picture, by_unit, self.others[depth], own)
        return {number(PATH, kind): values for kind, values in zip(KINDS, found, strict=True)}


def _placed(values: Values, rows: Sequence[int], number: int) -> Values:
    """Rows put in their places among `number`; NaN in the others."""
    found = np.full((number, values.shape[1]), np.nan, np.float32)
    found[list(rows)] = values
    return found
