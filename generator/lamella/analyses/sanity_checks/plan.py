"""What is to be tested, decided once: methods, stages, images, masks.

Flow: model + images -> **plan** -> making; the same document, beside the shards, -> report. A run
that was killed goes on with what was decided.

Entries of the panel, in order: the trained network and its stages; the images of the curves, and
those that have a mask, each once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamella.store.store import Store

PANEL = "sanity_checks"
DOCUMENT = "plan"  # beside the shards
ABSENT = "absent"  # likewise: why nothing was tested
PHOTOGRAPH = "photograph"  # the name of a stored picture, as those that follow are


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
        images: their numbers, for the sanity check; the first one is looked at.
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


def stored(store: Store, key: str) -> Plan | None:
    """The plan under a key; None before there is one."""
    plain = store.read_json(f"{PANEL}-{key[:16]}/{DOCUMENT}.json")
    return None if plain is None else Plan.read(plain)
