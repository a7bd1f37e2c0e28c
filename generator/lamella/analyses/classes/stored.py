"""What is stored of the classes, and where their pages lie.

Flow: compute -> store -> **stored** -> records, class_page, view, and other analyses. Imports no
torch.
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
from lamella.store.store import Store, document

PANEL = "classes"
HEAD = "head"  # a document beside the shards
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

_KEYS = {  # of the document
    "output": "output",
    "gradcam": "no_gradcam",
    "maps": "gradcam_maps",
    "head": "no_weights",
    "rectified": "rectified",
}
ClassWeights = tuple[tuple[int, float], ...]  # classes, with their weights of one input of the head


@dataclass(frozen=True)
class HeadRecord:
    """What was found of the network itself: how class scores are read off, and by what Grad-CAM.

    Attributes:
        output: the layer whose channels are the class scores; "" for none in the atlas.
        no_gradcam: why there is no Grad-CAM; "" where there is.
        gradcam_maps: those that Grad-CAM weighs, in words: "the maps of layer3.0.conv1".
        no_weights: why no unit has a weight for a class; "" where units do.
        rectified: whether scores are cut off below zero before they are averaged over positions.
        units: the units of each input of the head, several where it reads a sum of layers.
        up, down: for each input of the head, the classes with the largest weights either way.
    """

    output: str = ""
    no_gradcam: str = ""
    gradcam_maps: str = ""
    no_weights: str = ""
    rectified: bool = False
    units: tuple[tuple[Unit, ...], ...] = ()
    up: tuple[ClassWeights, ...] = ()
    down: tuple[ClassWeights, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **{key: getattr(self, name) for key, name in _KEYS.items()},
            "units": [[[unit.layer, unit.channel] for unit in each] for each in self.units],
            "up": self.up,
            "down": self.down,
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> HeadRecord:
        """What `plain` gave."""
        return cls(
            **{name: plain[key] for key, name in _KEYS.items()},
            units=tuple(tuple(Unit(*unit) for unit in each) for each in plain["units"]),
            up=_class_weights(plain["up"]),
            down=_class_weights(plain["down"]),
        )

    @cached_property
    def inputs(self) -> Mapping[Unit, tuple[int, ...]]:
        """At which inputs of the head each unit arrives."""
        found: dict[Unit, tuple[int, ...]] = {}
        for at, units in enumerate(self.units):
            for unit in units:
                found[unit] = (*found.get(unit, ()), at)
        return found


def _class_weights(plain: list[list[list[Any]]]) -> tuple[ClassWeights, ...]:
    return tuple(tuple((int(c), float(w)) for c, w in each) for each in plain)


def head_record(atlas: Atlas) -> HeadRecord | None:
    """What was found of the network itself; None before anything was computed."""
    if PANEL not in atlas.keys:
        return None
    try:
        return _read(atlas.store.root, document(PANEL, atlas.keys[PANEL], HEAD))
    except LookupError:
        return None


@lru_cache(maxsize=4)
def _read(root: Path, name: str) -> HeadRecord:
    """A document of a store. Its key pins what it says, so it is read once."""
    plain = Store(root).read_json(name)
    if plain is None:
        raise LookupError(name)
    return HeadRecord.of(plain)


def stored(atlas: Atlas) -> PanelFacts | None:
    """The facts of all classes, a row for each output; None before anything was computed."""
    found = answers(atlas)
    if found is None or not computed(atlas):
        return None
    return atlas.of_network(PANEL, len(found.names))


def computed(atlas: Atlas) -> set[int]:
    """The classes that were computed."""
    if PANEL not in atlas.keys:
        return set()
    return atlas.store.folder(PANEL, atlas.keys[PANEL]).done()


def class_pages(atlas: Atlas) -> dict[int, str]:
    """The page of each class that has one, as a path from the site's top."""
    name = atlas.network.name
    outputs = sorted(computed(atlas)) if answers(atlas) is not None else ()
    return {output: article_page(name, class_slug(output)) for output in outputs}


def named_pages(atlas: Atlas) -> list[tuple[str, str]]:
    """The names of the classes that have a page, with its address: for the search."""
    found = answers(atlas)
    if found is None:
        return []
    return [(found.names[output], page) for output, page in class_pages(atlas).items()]


def output_layer(atlas: Atlas) -> Layer | None:
    """The layer whose channels are the class scores."""
    record = head_record(atlas)
    name = record.output if record is not None else ""
    return next((layer for layer in atlas.network.layers if layer.name == name), None)
