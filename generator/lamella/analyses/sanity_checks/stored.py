"""What is stored of the tests: their plan, names of pictures, and where the page lies.

Flow: compute -> store -> **stored** -> report, view, and other analyses. Imports no torch.

Entries of the panel, in order: the trained network and its stages; the images of the curves, and
those that have a mask, each once. What is planned is worked out once: a run that was killed goes
on with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamella.figures.links import SANITY_CHECKS, article_page
from lamella.store.facts import Atlas
from lamella.store.gathering import PanelFacts

PANEL = "sanity_checks"
PLAN = "plan"  # a document beside the shards
ABSENT = "absent"  # likewise: why nothing was tested
PHOTOGRAPH = "photograph"  # the name of a stored picture, as those that follow are
# Shares of the pixels at which the curves of deletion and insertion are measured: most happens
# while few pixels are gone.
SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)
# Orders of pixels that know nothing of the network; their curves come before the methods'.
BASELINES = ("random pixels", "random squares", "from the centre")


def map_name(method: str) -> str:
    """The map of the first image."""
    return f"map-{method}"


def miss_name(method: str) -> str:
    """The image with the place that a method's map points at, beside the thing."""
    return f"miss-{method}"


@dataclass(frozen=True)
class Plan:
    """What is tested.

    Attributes:
        methods: names of the methods that the network has.
        missing: of the others, with the reason.
        stages: names of the stages, from the output down.
        images: their numbers, for the randomization test; the maps of the first one are shown.
        curves: for deletion and insertion.
        masked: those that have a mask.
        left_out: masks that say nothing here, with the reason.
        made: `patch` and `stride` of occlusion in pixels, `steps` of integrated gradients.
    """

    methods: tuple[str, ...]
    missing: Mapping[str, str]
    stages: tuple[str, ...]
    images: tuple[int, ...]
    curves: tuple[int, ...]
    masked: tuple[int, ...]
    left_out: Mapping[str, str]
    made: Mapping[str, int]

    @classmethod
    def read(cls, plain: Any) -> Plan:
        """From what was stored."""
        lists = {
            name: tuple(plain[name]) for name in ("methods", "stages", "images", "curves", "masked")
        }
        return cls(
            missing=plain["missing"], left_out=plain["left_out"], made=plain["made"], **lists
        )

    @property
    def staged(self) -> range:
        """The entries of the trained network and of its stages."""
        return range(1 + len(self.stages))

    @property
    def entry_of(self) -> dict[int, int]:
        """The entry of each image that is explained by the trained network alone, by its number."""
        numbers = dict.fromkeys((*self.curves, *self.masked))
        return {number: entry for entry, number in enumerate(numbers, self.staged.stop)}

    @property
    def entries(self) -> range:
        """All of them."""
        return range(self.staged.stop + len(self.entry_of))


def results(atlas: Atlas) -> tuple[Plan, PanelFacts] | None:
    """What was planned, and the numbers of all entries; None where nothing was tested yet."""
    plain = atlas.document(PANEL, PLAN)
    plan = Plan.read(plain) if plain is not None else None
    if plan is None or not plan.methods:
        return None
    numbers = atlas.of_network(PANEL, len(plan.entries))
    return (plan, numbers) if numbers.present.any() else None


def sanity_page(atlas: Atlas) -> str:
    """The page on whether the maps can be trusted, from the site's top; "" without one."""
    return article_page(atlas.network.name, SANITY_CHECKS) if results(atlas) else ""


def absent(atlas: Atlas) -> str:
    """Why nothing was tested; "" where something was, or where nobody tried."""
    return str(atlas.document(PANEL, ABSENT) or "")
