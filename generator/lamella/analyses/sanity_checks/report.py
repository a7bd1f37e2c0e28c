"""What the tests found: means, areas and hits, worked out from what is stored.

Flow: stored -> **report** -> verdicts, charts, view. Imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.sanity_checks.stored import BASELINES, SHARES, Plan, results
from lamella.attribution.methods import BY_NAME, Method
from lamella.images.manifest import Photograph
from lamella.store.facts import Atlas
from lamella.store.gathering import PanelFacts

Values = NDArray[np.float64]


def wilson_interval(hits: float, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a share, by default of 95 %; (0, 1) without a trial.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    if trials <= 0:
        return 0.0, 1.0
    share = hits / trials
    spread = z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    middle, scale = share + z**2 / (2 * trials), 1 + z**2 / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def area(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The area under curves over `SHARES`, `(..., share)`, by trapezoids: a mean probability."""
    middles = (values[..., 1:] + values[..., :-1]) / 2
    found: NDArray[np.float64] = (middles * np.diff(SHARES)).sum(-1)
    return found


@dataclass(frozen=True, slots=True)
class Share:
    """Hits of a number of images; equal maxima count by halves, thirds and so on."""

    hits: float
    images: int

    @property
    def share(self) -> float:
        return self.hits / self.images if self.images else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Of 95 %, by Wilson."""
        return wilson_interval(self.hits, self.images)


@dataclass(frozen=True, slots=True)
class Gain:
    """The area under insertion less that under deletion, means over images.

    Attributes:
        own: of a method's order.
        baseline: of the best order that knows nothing.
        away: their difference in standard errors, paired by images; 0 for one image alone.
    """

    own: float
    baseline: float
    away: float


@dataclass(frozen=True)
class Report:
    """What is stored of one atlas; a run may not be finished.

    Attributes:
        numbers: of all entries of the plan, as compute.py fills them.
    """

    atlas: Atlas
    plan: Plan
    numbers: PanelFacts

    @classmethod
    def of(cls, atlas: Atlas) -> Report | None:
        """What was stored; None where nothing was tested yet."""
        found = results(atlas)
        return cls(atlas, *found) if found else None

    @cached_property
    def methods(self) -> tuple[Method, ...]:
        """The methods that the network has, in order."""
        return tuple(BY_NAME[name] for name in self.plan.methods)

    def photograph(self, number: int) -> Photograph:
        return self.atlas.manifest.photographs[number]

    def answer(self, output: int) -> str:
        """The first name of a class."""
        names = self.atlas.network.classes
        name = names[output].partition(",")[0].strip() if 0 <= output < len(names) else ""
        return name or f"output {output}"

    # Randomization.

    @cached_property
    def stages(self) -> list[tuple[str, int]]:
        """The stages that are done, each with its entry, from the output down."""
        if not self.numbers.present[0]:
            return []
        done = self.numbers.present[self.plan.staged]
        return [(name, at) for at, name in enumerate(self.plan.stages, 1) if done[at]]

    @property
    def whole(self) -> bool:
        """Whether all stages are done."""
        return bool(self.plan.stages) and len(self.stages) == len(self.plan.stages)

    def kept(self, signed: bool = False) -> Values:
        """Mean rank correlation with the trained network's map, (stage, method)."""
        entries = [entry for _, entry in self.stages]
        each = self.numbers["signed" if signed else "absolute"][entries]
        return _mean(each.astype(np.float64), axis=1)

    def flat(self) -> NDArray[np.int64]:
        """How many images' maps are constant, (stage, method)."""
        found: NDArray[np.int64] = self.numbers["flat"][[at for _, at in self.stages]].sum(axis=1)
        return found

    def control(self, name: str) -> Values:
        """Mean rank correlation of `other_class` or `other_image`, (method,)."""
        return _mean(self.numbers[name][0].astype(np.float64), axis=0)

    # Deletion and insertion.

    @cached_property
    def curves(self) -> Values | None:
        """Probabilities, (image, way, order, share): baselines come first; None before any."""
        entries = [self.plan.entry_of[number] for number in self.plan.curves]
        done = [entry for entry in entries if self.numbers.present[entry]]
        return self.numbers["curves"][done].astype(np.float64) if done else None

    @cached_property
    def areas(self) -> Values | None:
        """The area under each curve, (image, way, order)."""
        return None if self.curves is None else area(self.curves)

    @cached_property
    def best_baseline(self) -> int:
        """The baseline that marks best by chance: the largest area of insertion less deletion."""
        if self.areas is None:
            return 0
        each = self.areas[:, 1] - self.areas[:, 0]
        return int(each[:, : len(BASELINES)].mean(0).argmax())

    def gain(self, method: int) -> Gain:
        """What a method's order is worth, beside the best that knows nothing.

        Raises:
            ValueError: no curve was measured.
        """
        if self.areas is None:
            raise ValueError("no curve was measured")
        each = self.areas[:, 1] - self.areas[:, 0]
        best, own = each[:, self.best_baseline], each[:, len(BASELINES) + method]
        apart = own - best
        if len(apart) < 2:
            return Gain(float(own.mean()), float(best.mean()), 0.0)
        error = float(apart.std(ddof=1)) / math.sqrt(len(apart))
        away = float(apart.mean()) / error if error > 0 else math.inf * np.sign(apart.mean())
        return Gain(float(own.mean()), float(best.mean()), 0.0 if math.isnan(away) else away)

    # The pointing game.

    @cached_property
    def pointed(self) -> list[tuple[int, int]]:
        """The images that have a mask and are done, each with its entry."""
        pairs = [(number, self.plan.entry_of[number]) for number in self.plan.masked]
        return [(number, entry) for number, entry in pairs if self.numbers.present[entry]]

    def hits(self, method: int, entries: list[int] | None = None) -> Share:
        """Of a method, among some entries or all."""
        chosen = [entry for _, entry in self.pointed] if entries is None else entries
        return Share(float(self.numbers["hit"][chosen, method].sum()), len(chosen))

    def baseline(self, name: str, entries: list[int] | None = None) -> float:
        """The share of images that `centre` or `chance` hits."""
        chosen = [entry for _, entry in self.pointed] if entries is None else entries
        return float(self.numbers[name][chosen].mean()) if chosen else math.nan

    def by_label(self) -> dict[str, list[int]]:
        """The entries of images that have a mask, by label."""
        found: dict[str, list[int]] = {}
        for number, entry in self.pointed:
            found.setdefault(self.photograph(number).label, []).append(entry)
        return dict(sorted(found.items()))


def _mean(values: Values, axis: int) -> Values:
    """The mean of what is finite; NaN where nothing is."""
    finite = np.isfinite(values)
    total = np.where(finite, values, 0).sum(axis)
    count = finite.sum(axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
