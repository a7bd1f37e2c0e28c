"""What is stored of the images whose attribution maps are shown, and where their pages lie.

Flow: compute -> store -> **stored** -> records, image_page, and other analyses. Imports no torch.

Two sheets of an image hold its maps, a row for each class and a column for each method: of coarse
maps, which lie over the photograph, and of fine ones, which stand alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lamella.attribution.methods import BY_NAME, Method
from lamella.figures.links import article_page, attribution_maps_slug
from lamella.store.facts import Atlas

PANEL = "attribution_maps"
CHOSEN, METHODS = "chosen", "methods"  # documents beside the shards
PHOTOGRAPH, COARSE, FINE = "photograph", "coarse", "fine"  # names of stored pictures
SIDE = {COARSE: 168, FINE: 128}  # of a cell of a sheet, in pixels
CONTOUR = "line"  # the first column of the coarse sheet: where Grad-CAM reaches half of its maximum
CONTOUR_OF = "gradcam"


def sheet_of(method: Method) -> str:
    """The sheet that a method's maps lie on."""
    return FINE if method.fine else COARSE


def columns(names: Sequence[str]) -> dict[str, list[str]]:
    """What the columns of each sheet hold, given the methods that a network has."""
    found: dict[str, list[str]] = {COARSE: [CONTOUR] if CONTOUR_OF in names else [], FINE: []}
    for name in names:
        found[sheet_of(BY_NAME[name])].append(name)
    return {sheet: held for sheet, held in found.items() if held}


@dataclass(frozen=True, slots=True)
class NetworkMethods:
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
    chosen = atlas.document(PANEL, CHOSEN)
    if not chosen:
        return {}
    done = atlas.store.folder(PANEL, atlas.keys[PANEL]).done()
    return {int(image): at for at, image in enumerate(chosen) if at in done}


def attribution_map_pages(atlas: Atlas) -> dict[int, str]:
    """The page of each image that has one, by its number, as a path from the site's top."""
    photographs, name = atlas.manifest.photographs, atlas.network.name
    return {
        image: article_page(name, attribution_maps_slug(photographs[image]))
        for image in entries(atlas)
    }


def network_methods(atlas: Atlas) -> NetworkMethods:
    """The methods that were found to be defined when the maps were computed."""
    plain = atlas.document(PANEL, METHODS)
    if not plain:
        return NetworkMethods()
    missing = tuple((str(name), str(reason)) for name, reason in plain["missing"].items())
    return NetworkMethods(
        tuple(plain["names"]), missing, str(plain["weighed"]), tuple(plain["layers"])
    )
