"""What is commonly said of a network's layers, held against this network's numbers.

Flow: stored -> **claims** -> text -> view. The claim is taught with pictures of
activations: "early activations are larger but fewer, deeper ones sparser". Each part of it is read
as two numbers per layer, and a rank correlation with depth says which way these go. Networks are
built of blocks, which squeeze and expand: so the same is also asked of layers that have the same
place in their blocks, as far as their names tell it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.activation_statistics.stored import LayerStatistics

CLEAR = 0.5  # rank correlation from which a trend is called one
LEAST = 5  # layers, below which nothing is said


@dataclass(frozen=True, slots=True)
class Measure:
    """One way to read a part of the claim.

    Attributes:
        what: is measured.
        rises: whether the claim wants it to rise with depth, or else to fall.
        value: of a layer.
    """

    what: str
    rises: bool
    value: Callable[[LayerStatistics], float]


@dataclass(frozen=True, slots=True)
class Reading:
    """A measure of this network.

    Attributes:
        correlation: its rank correlation with depth; NaN where that cannot be told.
        layers: over so many.
        within: the mean of the same among layers of one role, each role counting as many times as
            it has layers; NaN where there is but one role, or none with enough layers.
    """

    measure: Measure
    correlation: float
    layers: int
    within: float

    @property
    def verdict(self) -> str:
        """In words."""
        if self.layers < LEAST or math.isnan(self.correlation):
            return UNKNOWN
        words = {self._word(found) for found in (self.correlation, self.within)} - {UNKNOWN}
        return words.pop() if len(words) == 1 else MIXED

    def _word(self, correlation: float) -> str:
        if math.isnan(correlation):
            return UNKNOWN
        # Judged as it is printed.
        towards = round(correlation if self.measure.rises else -correlation, 2)
        return HOLDS if towards >= CLEAR else REVERSED if towards <= -CLEAR else UNCLEAR


HOLDS, REVERSED = "supported", "contradicted: it is the other way round"
UNCLEAR, MIXED, UNKNOWN = "not supported: no clear trend", "mixed", "cannot be told"

# Each part of the claim, and how it is read.
CLAIMS: tuple[tuple[str, tuple[Measure, ...]], ...] = (
    (
        "Early activations are larger",
        (
            Measure("root mean square of the activations", False, lambda one: one.rms),
            Measure("mean of those that are not zero", False, lambda one: one.nonzero),
        ),
    ),
    (
        "Early activations are fewer",
        (
            Measure("units of the layer", True, lambda one: float(one.units)),
            Measure("units that one photograph excites", True, lambda one: one.answering),
        ),
    ),
    (
        "Deeper activations are sparser",
        (
            Measure("share of exact zeros", True, lambda one: one.zeros),
            Measure("share of photographs that excite a unit", False, lambda one: one.active),
        ),
    ),
)


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of theirs. Pages are drawn without scipy's."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    shared: NDArray[np.float64] = (last - (count - 1) / 2)[place.reshape(-1)]
    return shared


def depth_correlation(values: Sequence[float]) -> tuple[float, int]:
    """Spearman's rank correlation of values with their places; NaN values keep theirs empty.

    Returns:
        It, NaN where fewer than two are known or all are equal; and how many are known.
    """
    known = np.asarray(values, np.float64)
    own = ranks(known[np.isfinite(known)])
    if len(own) < 2 or np.ptp(own) == 0:
        return math.nan, len(own)
    # Not by `numbers.rank_correlation`: the last bit differs, and so may the digits on pages.
    return float(np.corrcoef(np.arange(1, len(own) + 1), own)[0, 1]), len(own)


def readings(layers: Sequence[LayerStatistics]) -> tuple[tuple[str, str, tuple[Reading, ...]], ...]:
    """Each part of the claim, what the numbers say of it in a word, and the numbers."""
    roles = [role(one.name) for one in layers]
    found = []
    for claim, measures in CLAIMS:
        each = tuple(
            # Signed layers have no "not zero": they are left out of every measure alike.
            _reading(m, [math.nan if one.signed else m.value(one) for one in layers], roles)
            for m in measures
        )
        found.append((claim, verdict([one.verdict for one in each]), each))
    return tuple(found)


def role(name: str) -> str:
    """The place of a layer in its block: the last part of its name that is no number.

    >>> role("features.3.expand1x1"), role("layer3.1.conv2"), role("features.10")
    ('expand1x1', 'conv2', 'features')
    """
    parts = [part for part in name.split(".") if not part.isdigit()]
    return parts[-1] if parts else ""


def _reading(measure: Measure, values: Sequence[float], roles: Sequence[str]) -> Reading:
    """One measure, over all layers and within their roles."""
    correlation, number = depth_correlation(values)
    own = [
        depth_correlation(
            [value for value, other in zip(values, roles, strict=True) if other == one]
        )
        for one in sorted(set(roles))
    ]
    enough = [(found, count) for found, count in own if count >= LEAST and not math.isnan(found)]
    within = math.nan
    if enough and len(set(roles)) > 1:
        found, counts = zip(*enough, strict=True)
        within = float(np.average(found, weights=counts))
    return Reading(measure, correlation, number, within)


def verdict(each: Sequence[str]) -> str:
    """One word for several readings: theirs if they agree, else that they do not."""
    known = [one for one in each if one != UNKNOWN]
    if not known:
        return UNKNOWN
    return known[0] if len(set(known)) == 1 else MIXED
