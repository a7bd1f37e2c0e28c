"""How a layer's activations are spread: how many are zero, how large, over how many directions.

Flow: survey -> store -> **stored** -> claims, charts -> view, and the pages of other analyses that
read it. Nothing more is stored: the survey's numbers are read. What it does not say is NaN here,
never a guess.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.store.facts import Atlas, LayerFacts
from lamella.store.gathering import PanelFacts

PANEL = "activation_statistics"
SLUG = "activation-statistics"  # of the page: a promise
Values = NDArray[np.float64]
VARIANCE = 0.9  # of it, that the counted components hold
DRAWN = 4  # positions of each image that the survey's spectrum is of


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """One layer in numbers, over all photographs and positions; NaN for what is not known.

    Attributes:
        name: of the layer.
        units: how many it has.
        signed: its activations may be negative: then what rests on exact zeros, or on being above
            zero, would say nothing, and is NaN.
        zeros: share of its activations that are exactly zero.
        mean: of the magnitude of an activation; NaN where signed.
        nonzero: the same over those that are not zero.
        rms: root of the mean square, also where signed.
        p999: what one activation in a thousand exceeds, of the layer's median unit.
        maximum: the largest activation of any unit.
        alive: share of the units that any photograph brings above zero.
        active: mean share of the photographs that bring a unit above zero.
        dimension: participation ratio of the covariance of its activation vectors.
        components: how many principal components hold 90 % of their variance.
        vectors: how many vectors these two rest on; 0 for none.
    """

    name: str
    units: int
    signed: bool
    zeros: float
    mean: float
    nonzero: float
    rms: float
    p999: float
    maximum: float
    alive: float
    active: float
    dimension: float
    components: float
    vectors: int

    @property
    def answering(self) -> float:
        """How many units one photograph brings above zero, on average."""
        return self.active * self.units

    @property
    def bias(self) -> float:
        """By what share of itself the dimension is too low, if the vectors were independent.

        A sample of n vectors lies in n - 1 dimensions at most. To first order, of Gaussian vectors,
        the reciprocal of its participation ratio is too large by 1 / n.
        """
        return self.dimension / self.vectors if self.vectors else math.nan


def participation_ratio(spectrum: Values) -> float:
    """(sum l)^2 / sum l^2 of eigenvalues l of a covariance: 1 for a line, n for n equal ones.

    NaN where nothing varies. Eigenvalues that rounding made negative count as zero.

    Source: Gao and Ganguli 2015, doi:10.1016/j.conb.2015.04.003; of networks' layers, Recanatesi et
    al. 2019, arXiv:1906.00443.
    """
    kept = np.maximum(np.asarray(spectrum, np.float64), 0)
    top = kept.max(initial=0)
    if not top > 0 or not np.isfinite(top):
        return math.nan
    kept = kept / top  # squares of tiny numbers would be zero
    return float(kept.sum() ** 2 / (kept**2).sum())


def components_for(spectrum: Values, share: float = VARIANCE) -> float:
    """How many of the largest eigenvalues add up to a share of all; NaN where nothing varies."""
    kept = np.sort(np.maximum(np.asarray(spectrum, np.float64), 0))[::-1]
    total = float(kept.sum())
    if not total > 0 or not math.isfinite(total):
        return math.nan
    held = np.cumsum(kept) / total
    return float(np.searchsorted(held, share - 1e-12) + 1)


def statistics_of(facts: LayerFacts) -> LayerStatistics | None:
    """What the survey says of one layer; None before it."""
    survey, layer = facts.of("survey"), facts.layer
    if not survey.present.any():
        return None
    signed = layer.signed or layer.smooth
    there = survey.present
    mean, deviation = _of(survey, "mean"), _of(survey, "deviation")
    zeros = math.nan if signed else _mean(_of(survey, "zeros"))
    size = math.nan if signed else _mean(mean)
    maximum = _of(survey, "maximum")
    spectrum, counted = _of(survey, "spectrum"), _of(survey, "spectrum_vectors")
    vectors = int(counted.max()) if counted.size else 0
    return LayerStatistics(
        name=layer.name,
        units=layer.channels,
        signed=signed,
        zeros=zeros,
        mean=size,
        nonzero=size / (1 - zeros) if zeros < 1 else math.nan,
        rms=math.sqrt(_mean(mean**2 + deviation**2)),
        p999=float(np.median(_of(survey, "p999"))) if "p999" in survey.numbers else math.nan,
        maximum=float(maximum.max()) if maximum.size else math.nan,
        alive=math.nan if signed or not maximum.size else float((maximum > 0).mean()),
        active=math.nan if signed else _mean(_of(survey, "active")),
        # A spectrum of part of the layer's units would be of another layer.
        dimension=participation_ratio(spectrum) if there.all() else math.nan,
        components=components_for(spectrum) if there.all() else math.nan,
        vectors=vectors,
    )


def layer_statistics(atlas: Atlas) -> tuple[LayerStatistics, ...]:
    """All layers that are surveyed, in order, one layer in memory at a time."""
    each = map(statistics_of, atlas.layers())
    return tuple(one for one in each if one is not None)


def _of(survey: PanelFacts, name: str) -> Values:
    """A number of the units that are surveyed, float64; empty where the survey has no such."""
    if name not in survey.numbers:
        return np.zeros(0)
    found: Values = survey[name][survey.present].astype(np.float64)
    return found


def _mean(values: Values) -> float:
    return float(values.mean()) if values.size else math.nan
