"""One unit's tuning, in numbers and words.

Flow: stored -> **unit** -> charts. Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lamella.analyses.tuning_curves.colours import HUES, NAMED
from lamella.analyses.tuning_curves.family import STRAIGHT, Family
from lamella.analyses.tuning_curves.preferences import LayerTuning
from lamella.analyses.tuning_curves.stored import DRIVEN, DRIVERS, PICTURE, SLUG, STIMULI
from lamella.analyses.tuning_curves.text import NAMES
from lamella.figures import Cell, Series, Table, links, short
from lamella.figures.published import network_picture
from lamella.store.facts import LayerFacts


class UnitTuning:
    """One unit's responses, and what sentences and tables say of them."""

    def __init__(
        self, facts: LayerFacts, own: LayerTuning, families: dict[str, Family], channel: int
    ) -> None:
        self.facts, self.own, self.families, self.channel = facts, own, families, channel
        self.grey = float(own.grey[channel])
        survey = facts.of("survey")
        surveyed = bool(survey.present[channel])
        self.maximum = float(survey["maximum"][channel]) if surveyed else math.nan
        usual = float(survey["p50"][channel]) if surveyed else math.nan
        # How far photographs lift the unit above its usual state.
        self.range = self.maximum - usual if surveyed else 0.0

    def strongest(self, family: str) -> float:
        return float(self.own.strongest[family][self.channel])

    def drives(self, family: str) -> bool:
        rise = self.strongest(family) - self.grey
        return rise > 0 and rise >= DRIVEN * self.range

    def at(self, family: str) -> list[int]:
        """Where on each axis the strongest response lies."""
        place: list[int] = self.own.peak[family][self.channel].tolist()
        return place

    def responses(self, family: str) -> np.ndarray:
        found: np.ndarray = self.own.responses[family][self.channel]
        return found

    def best(self) -> str:
        """The family that excites the unit most."""
        return max(DRIVERS, key=self.strongest)

    def share(self, value: float) -> str:
        """Of the largest activation on photographs, in words; "" where that says nothing."""
        if not self.maximum > 0:
            return ""
        return f"{value / self.maximum:.0%} of the largest on photographs".replace("%", " %")

    def undriven(self) -> str:
        family = self.best()
        value = self.strongest(family)
        if value <= self.grey:
            return f"No stimulus lifts this unit above plain grey, {short(self.grey)}."
        response = ", ".join(part for part in (short(value), self.share(value)) if part)
        return (
            f"No stimulus lifts this unit above plain grey, {short(self.grey)}, by a "
            f"tenth of what photographs do. The strongest response is {response}, to "
            f"{self.named(family)}."
        )

    def named(self, family: str) -> str:
        """The stimulus of a family that excites the unit most, in words."""
        at = self.at(family)
        said = [
            axis.said(place) for axis, place in zip(self.families[family].kept, at, strict=True)
        ]
        if family == "gratings":
            return f"a grating at {said[1]}, period {said[0]}"
        if family == "curves":
            if self.families[family].axes[1].values[at[1]] == STRAIGHT:
                return f"a straight line ({said[0]}, across {said[2]})"
            return f"a curve ({said[0]}) of radius {said[1]}, bulging to {said[2]}"
        if family == "hues":
            hue = HUES[at[0]]
            return f"plain {NAMED[int(hue)]}" if hue in NAMED else f"a plain hue of {said[0]}"
        return f"a {said[0]} disc of radius {said[1]}"

    def numbers(self, driving: Sequence[str]) -> Table:
        """What a reader compares."""
        own, channel = self.own, self.channel
        family = self.best()
        value = self.strongest(family)
        levels = self.responses("greys").tolist()
        rows: list[tuple[str | Cell, ...]] = [("Strongest response", short(value))]
        if self.maximum > 0:
            share = f"{value / self.maximum:.0%}".replace("%", " %")
            rows.append(("Of the photographs' largest", share))
        greys = " · ".join(f"{level:.2g}" for level in (levels[0], self.grey, levels[-1]))
        rows.append(("Black · mid-grey · white", greys))
        if "gratings" in driving:
            rows.append(("Orientation selectivity", f"{own.orientation[channel]:.2f}"))
        if "curves" in driving:
            rows.append(("Curve selectivity", f"{own.curve[channel]:.2f}"))
            rows.append(("Curves against lines", f"{own.bend[channel]:+.2f}"))
        if "hues" in driving:
            rows.append(("Hue selectivity", f"{own.hue[channel]:.2f}"))
        if "discs" in driving:
            rows.append(("Surround suppression", f"{max(0.0, float(own.surround[channel])):.2f}"))
        atlas = self.facts.atlas
        if network_picture(atlas, STIMULI, PICTURE, 0, "") is not None:
            page = links.article_page(self.facts.network.name, SLUG)
            number = sum(each.count for each in self.families.values())
            rows.append((Cell("The stimuli", page), str(number)))
        note = f"Strongest to {self.named(family)}."
        idle = [words for name, words in NAMES.items() if name not in driving]
        note += f" Hardly excited by {_listed(idle)}." if idle else ""
        return Table("", tuple(rows), note=note)

    def plain(self, low: float, high: float) -> Series:
        """The response to plain grey, as a line across the chart."""
        return Series("plain grey", (self.grey, self.grey), (low, high))


def _listed(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
