"""What a unit prefers, and how narrowly: read off its responses to the stimuli.

Flow: passes -> store -> **preferences** -> stored. Pure arithmetic, a layer at a time. Selectivity
is one minus circular variance of what exceeds the response to plain grey: 0 where all angles
excite alike, 1 where only one does.

Source: Ringach, Shapley and Hawken, "Orientation selectivity in macaque V1", Journal of
Neuroscience 2002, doi:10.1523/JNEUROSCI.22-13-05639.2002.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.tuning_curves.family import Family

Values = NDArray[np.float64]
Whole = NDArray[np.int64]

SELECTIVE = 0.3  # from here on a unit counts as selective
STRONG = 0.5  # of the unit's strongest rise, which a family must reach for its units to count
BEND = 0.1  # contrast between the best curve and the best line from which a unit prefers curves


@dataclass(frozen=True, slots=True)
class LayerTuning:
    """The tuning of the units of one layer, a row each.

    Attributes:
        responses: by family, `(unit, *family.shape)`; what is not known is as plain grey.
        grey: the response to plain grey.
        peak: by family, the place of the strongest response on each axis, `(unit, axis)`.
        strongest: by family, that response.
        orientation: selectivity for the orientation of gratings, at the preferred period; that of
            `1 - circular variance`, with angles doubled, since half a turn changes nothing.
        hue: selectivity among hues that fill the image.
        curve: selectivity for the direction in which a curve bulges, at the preferred kind and
            radius.
        bend: contrast between the strongest curve's rise and the strongest straight line's: 1 where
            only curves excite, 0 where both do alike, -1 where only lines do.
        surround: by how much the largest disc of the preferred colour excites less than the best:
            0 not at all, 1 no more than plain grey, above 1 less than that.
    """

    responses: Mapping[str, Values]
    grey: Values
    peak: Mapping[str, Whole]
    strongest: Mapping[str, Values]
    orientation: Values
    hue: Values
    curve: Values
    bend: Values
    surround: Values

    @property
    def most(self) -> Values:
        """The strongest response to any stimulus, the greys among them."""
        most: Values = np.max(list(self.strongest.values()), axis=0)
        return most

    def rise(self, family: str) -> Values:
        """How far a family lifts each unit above its response to plain grey."""
        return self.strongest[family] - self.grey

    def strong(self, family: str) -> NDArray[np.bool_]:
        """Units that a family lifts at least half as far as the best of all stimuli does."""
        rise = self.rise(family)
        return (rise > 0) & (rise >= STRONG * (self.most - self.grey))

    @property
    def oriented(self) -> NDArray[np.bool_]:
        """Units selective for the orientation of gratings."""
        return self.strong("gratings") & (self.orientation >= SELECTIVE)

    @property
    def coloured(self) -> NDArray[np.bool_]:
        """Units selective for a hue that fills the image."""
        return self.strong("hues") & (self.hue >= SELECTIVE)

    @property
    def curved(self) -> NDArray[np.bool_]:
        """Units selective for the direction of a curve, which excites them more than any line."""
        return self.strong("curves") & (self.curve >= SELECTIVE) & (self.bend >= BEND)

    @property
    def surrounded(self) -> NDArray[np.bool_]:
        """Units that a disc excites, and less so when it is large."""
        return self.strong("discs") & (self.surround >= STRONG)


def selectivity(rises: Values, degrees: Values, fold: int) -> Values:
    """One minus circular variance of responses along a circle of angles.

    Args:
        rises: `(unit, angle)`; what is below zero counts as zero.
        degrees: the angles, evenly spaced over the whole circle.
        fold: 2 where half a turn changes nothing, else 1.
    Returns:
        0 to 1, a number per unit; 0 where nothing rises.
    """
    rises = np.maximum(rises, 0)
    total = rises.sum(axis=1)
    vector = np.abs(rises @ np.exp(1j * fold * np.deg2rad(degrees)))
    return np.where(total > 0, vector / np.where(total > 0, total, 1), 0.0)


def preferences(stored: Mapping[str, NDArray[Any]], families: Mapping[str, Family]) -> LayerTuning:
    """Read the tuning off stored responses, `(unit, *family.shape)` by family."""
    greys = families["greys"].axes[0].values
    grey = np.nan_to_num(stored["greys"][:, greys.index(0.5)].astype(np.float64))
    responses, peak, strongest = {}, {}, {}
    for name, family in families.items():
        wide = stored[name].astype(np.float64)
        about = grey.reshape(-1, *(1 for _ in family.shape))
        responses[name] = wide = np.where(np.isfinite(wide), wide, about)
        flat = wide.reshape(len(wide), math.prod(family.shape))
        best = flat.argmax(axis=1)
        peak[name] = np.stack(np.unravel_index(best, family.shape), axis=1)
        strongest[name] = np.take_along_axis(flat, best[:, None], axis=1)[:, 0]
    units = np.arange(len(grey))

    def angles(name: str) -> Values:
        return np.asarray(families[name].kept[-1].values)

    rises = {
        name: values - grey.reshape(-1, *(1,) * (values.ndim - 1))
        for name, values in responses.items()
    }
    gratings = rises["gratings"][units, peak["gratings"][:, 0]]
    kind, radius = peak["curves"][:, 0], peak["curves"][:, 1]
    bent = np.maximum(rises["curves"][:, :, :-1].max(axis=(1, 2, 3)), 0)
    straight = np.maximum(rises["curves"][:, :, -1].max(axis=(1, 2)), 0)
    either = np.where(bent + straight > 0, bent + straight, 1)
    discs = rises["discs"][units, peak["discs"][:, 0]]
    best = discs.max(axis=1)
    return LayerTuning(
        responses=responses,
        grey=grey,
        peak=peak,
        strongest=strongest,
        orientation=selectivity(gratings, angles("gratings"), 2),
        hue=selectivity(rises["hues"], angles("hues"), 1),
        curve=selectivity(rises["curves"][units, kind, radius], angles("curves"), 1),
        bend=(bent - straight) / either,
        surround=np.where(best > 0, 1 - discs[:, -1] / np.where(best > 0, best, 1), 0.0),
    )
