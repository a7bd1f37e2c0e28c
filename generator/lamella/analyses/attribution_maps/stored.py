"""Which images have a page of what the network looked at, and where it lies.

Flow: store -> **reading** -> page, other panels' `view`. Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamella.figures.links import article_page, attribution_maps_slug
from lamella.store.facts import Atlas

PANEL = "attribution_maps"
CHOSEN, METHODS = "chosen", "methods"  # documents beside the shards


@dataclass(frozen=True, slots=True)
class Had:
    """The methods of a network.

    Attributes:
        names: of those that it has.
        missing: of the others, and why it has them not.
        weighed: what Grad-CAM weighs, in words that go on a sentence; "" where it has none.
        layers: the layers that these words name.
    """

    names: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    weighed: str = ""
    layers: tuple[str, ...] = ()


def entries(atlas: Atlas) -> dict[int, int]:
    """The entry of each image that is done, by the image's number; in the order of the index."""
    if PANEL not in atlas.keys or atlas.publish != "whole":
        return {}
    chosen = _document(atlas, CHOSEN)
    if not chosen:
        return {}
    done = atlas.store.folder(PANEL, atlas.keys[PANEL]).done()
    return {int(image): at for at, image in enumerate(chosen) if at in done}


def pages(atlas: Atlas) -> dict[int, str]:
    """The page of each image that has one, by its number, as a path from the site's top."""
    photographs, name = atlas.manifest.photographs, atlas.network.name
    return {
        image: article_page(name, attribution_maps_slug(photographs[image]))
        for image in entries(atlas)
    }


def had(atlas: Atlas) -> Had:
    """The methods that were found to be defined when the maps were computed."""
    known = _document(atlas, METHODS)
    if not known:
        return Had()
    missing = tuple((str(name), str(reason)) for name, reason in known["missing"].items())
    return Had(tuple(known["names"]), missing, str(known["weighed"]), tuple(known["layers"]))


def _document(atlas: Atlas, name: str) -> Any:
    return atlas.store.read_json(f"{PANEL}-{atlas.keys[PANEL][:16]}/{name}.json")
