"""What was stored of the classes, and where their pages lie.

Flow: store -> **reading** -> page, index, panels' `view`. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from lamella.analyses.predictions.stored import answers
from lamella.figures.links import article_page, class_slug
from lamella.network.units import Layer, Unit
from lamella.store.facts import Atlas
from lamella.store.gathering import PanelFacts
from lamella.store.store import Store

PANEL = "classes"
NOTES = "head"  # a document beside the shards
# Names of stored pictures: sheets of images and of their maps, the mean map, the first image.
IMAGES, MAPS, MEAN, STRONGEST = "images", "maps", "mean", "strongest"
MEAN_SIDE = 168  # of a mean map, in pixels
COLUMNS = 4  # of the sheets of images and of maps
GRID = 28  # rows and columns of the numbers of a map
FULL = 254  # its largest number, as it is stored
UNITS = 9  # of each list of units: a row, or three of three
FEW = 5  # classes that a unit's page names, each way
# Lists of the inputs of the head: what adds most to the score and takes most from it on the images
# of the class, and the largest weights either way.
FOR, AGAINST, UP, DOWN = range(4)

Pushed = tuple[tuple[int, float], ...]  # classes, with the weights that push them


@dataclass(frozen=True)
class Notes:
    """What the pages say of the network itself.

    Attributes:
        output: the layer whose channels are the class scores; "" for none in the atlas.
        gradcam: why there is no Grad-CAM; "" where there is.
        maps: those that Grad-CAM weighs, in words: "the maps of layer3.0.conv1".
        head: why no unit pushes a class by a weight; "" where units do.
        rectified: whether scores are cut off below zero before they are averaged over positions.
        units: the units of each input of the head, several where it reads a sum of layers.
        up, down: for each input of the head, the classes that it pushes most.
    """

    output: str = ""
    gradcam: str = ""
    maps: str = ""
    head: str = ""
    rectified: bool = False
    units: tuple[tuple[Unit, ...], ...] = ()
    up: tuple[Pushed, ...] = ()
    down: tuple[Pushed, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **{name: getattr(self, name) for name in ("output", "gradcam", "maps", "head")},
            "rectified": self.rectified,
            "units": [[[unit.layer, unit.channel] for unit in each] for each in self.units],
            "up": self.up,
            "down": self.down,
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Notes:
        """What `plain` gave."""
        return cls(
            **{name: plain[name] for name in ("output", "gradcam", "maps", "head", "rectified")},
            units=tuple(tuple(Unit(*unit) for unit in each) for each in plain["units"]),
            up=_pushed(plain["up"]),
            down=_pushed(plain["down"]),
        )

    @cached_property
    def inputs(self) -> Mapping[Unit, tuple[int, ...]]:
        """At which inputs of the head each unit arrives."""
        found: dict[Unit, tuple[int, ...]] = {}
        for at, units in enumerate(self.units):
            for unit in units:
                found[unit] = (*found.get(unit, ()), at)
        return found


def _pushed(plain: list[list[list[Any]]]) -> tuple[Pushed, ...]:
    return tuple(tuple((int(c), float(w)) for c, w in each) for each in plain)


def notes(atlas: Atlas) -> Notes | None:
    """What was noted; None before anything was computed."""
    if PANEL not in atlas.keys:
        return None
    try:
        return _read(atlas.store.root, f"{PANEL}-{atlas.keys[PANEL][:16]}/{NOTES}.json")
    except LookupError:
        return None


@lru_cache(maxsize=4)
def _read(root: Path, name: str) -> Notes:
    """A document of a store. Its key pins what it says, so it is read once."""
    plain = Store(root).read_json(name)
    if plain is None:
        raise LookupError(name)
    return Notes.of(plain)


def stored(atlas: Atlas) -> PanelFacts | None:
    """The facts of all classes, a row for each output; None before anything was computed."""
    found = answers(atlas)
    if found is None or not done(atlas):
        return None
    return atlas.whole(PANEL, len(found.names))


def done(atlas: Atlas) -> set[int]:
    """The classes that were computed."""
    if PANEL not in atlas.keys:
        return set()
    return atlas.store.folder(PANEL, atlas.keys[PANEL]).done()


def pages(atlas: Atlas) -> dict[int, str]:
    """The page of each class that has one, as a path from the site's top."""
    name = atlas.network.name
    known = sorted(done(atlas)) if answers(atlas) is not None else ()
    return {output: article_page(name, class_slug(output)) for output in known}


def named_pages(atlas: Atlas) -> list[tuple[str, str]]:
    """The names of the classes that have a page, with its address: for the search."""
    found = answers(atlas)
    return [(found.names[output], page) for output, page in pages(atlas).items()] if found else []


def output_layer(atlas: Atlas) -> Layer | None:
    """The layer whose channels are the class scores."""
    told = notes(atlas)
    name = told.output if told is not None else ""
    return next((layer for layer in atlas.network.layers if layer.name == name), None)
