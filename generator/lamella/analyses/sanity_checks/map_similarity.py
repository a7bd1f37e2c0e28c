"""What a method's maps keep of their order when the network's weights become random.

Flow: randomization -> **map_similarity** -> compute. A map that stays as it was, although the
weights are random, did not show what the network had learned. Correlations are taken on each
method's own grid, without any rescaling.

Source: Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim 2018, "Sanity Checks for Saliency Maps",
arXiv:1810.03292: Spearman's rank correlation, of absolute values and of signed ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lamella.attribution.compute import Options, attribute
from lamella.attribution.methods import BY_NAME
from lamella.errors import ModelError
from lamella.network.model import Model
from lamella.numbers.rank_correlation import Maps, ranked

TOGETHER = 8  # images that are explained at once
Values = NDArray[np.float32]


def maps_of(
    methods: Sequence[str],
    model: Model,
    shown: Tensor,
    classes: Tensor,
    options: Options,
    *,
    lenient: bool = False,
) -> dict[str, Maps]:
    """The maps of one class of each image by several methods, (image, row, column) each.

    A few images at a time.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column).
        classes: (image,), int64.
        lenient: leave out what cannot be computed: of random weights, whose scores may overflow.
    """
    classes = classes.to(model.device)
    starts = range(0, len(shown), TOGETHER)
    runs = [(shown[at : at + TOGETHER], classes[at : at + TOGETHER, None]) for at in starts]
    found = {}
    for name in methods:
        try:
            each = [attribute(name, model, images, wanted, options) for images, wanted in runs]
        except ModelError:
            if not lenient:
                raise
            continue
        found[name] = np.concatenate([one[:, 0].detach().float().cpu().numpy() for one in each])
    return found


@dataclass(frozen=True)
class Similarity:
    """What maps keep of the order of others; rows are images, columns are methods.

    Attributes:
        absolute: rank correlation of the absolute maps; NaN where one of the two has no order.
        signed: of the maps as they are; NaN too where a method is never negative.
        flat: whether the map is constant, or not finite: it says nothing any more.
    """

    absolute: Values
    signed: Values
    flat: NDArray[np.bool_]


@dataclass(frozen=True)
class Reference:
    """The trained network's maps of some images, ranked: what later ones are held against.

    Attributes:
        maps: by method, (image, row, column).
        absolute, signed: their ranks, (image, place).
    """

    maps: dict[str, Maps]
    absolute: dict[str, NDArray[np.float64]]
    signed: dict[str, NDArray[np.float64]]

    @classmethod
    def of(cls, maps: dict[str, Maps]) -> Reference:
        """Rank the maps of each method."""
        signed = {name: ranked(each) for name, each in maps.items() if BY_NAME[name].signed}
        return cls(maps, {name: ranked(np.abs(each)) for name, each in maps.items()}, signed)

    def similarity(self, maps: dict[str, Maps]) -> Similarity:
        """How much of their order other maps of the same images keep."""
        names = list(self.maps)
        images = len(next(iter(self.maps.values())))
        absolute, signed = (np.full((images, len(names)), np.nan, np.float32) for _ in range(2))
        flat = np.zeros((images, len(names)), np.bool_)
        for at, name in enumerate(names):
            # A map that could not be made is an empty one.
            now = maps.get(name, np.zeros_like(self.maps[name]))
            flat[:, at] = ~(np.ptp(now.reshape(images, -1), axis=1) > 0)
            absolute[:, at] = (self.absolute[name] * ranked(np.abs(now))).sum(1)
            if name in self.signed:
                signed[:, at] = (self.signed[name] * ranked(now)).sum(1)
        return Similarity(absolute, signed, flat)

    def between_images(self) -> Values:
        """The mean correlation of an absolute map with those of other images, (image, method).

        What maps of different images share is not about the image; NaN for one image alone.
        """
        columns = []
        for ranks in self.absolute.values():
            each = ranks @ ranks.T
            np.fill_diagonal(each, np.nan)
            finite = np.isfinite(each)
            total = np.where(finite, each, 0).sum(1)
            columns.append(np.where(finite.any(1), total / finite.sum(1).clip(1), np.nan))
        return np.stack(columns, axis=1).astype(np.float32)
