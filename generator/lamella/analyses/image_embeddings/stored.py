"""What was stored of the space of images, and where its pages lie.

Flow: compute -> store -> **stored** -> view. Imports no torch. Numbers and thumbnails have an entry
per image; the tiles of each `Mosaic` have entries of their own; all else is in one document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamella.analyses.image_embeddings.scatter import Placed
from lamella.figures import Level
from lamella.store.facts import Atlas

PANEL = "image_embeddings"
DOCUMENT = "space"  # beside the shards
THUMB = "thumb"
MAPS, NEAREST = "image-embeddings", "image-neighbours"  # addresses: promises

Notes = dict[str, Any]  # the document: see `compute.document`


@dataclass(frozen=True, slots=True)
class Mosaic:
    """A map or a grid of images, as the pages need it.

    Attributes:
        name: under which its tiles are stored; its still picture under `name + "-still"`.
        first: the entry number of its first tile, and of its still picture.
        levels: of the pyramid.
        placed: (image's number, left, top, side) in pixels of the full size.
    """

    name: str
    first: int
    levels: tuple[Level, ...]
    placed: tuple[Placed, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "first": self.first,
            "levels": [[level.width, level.height, level.first] for level in self.levels],
            "placed": [list(place) for place in self.placed],
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Mosaic:
        """The mosaic that `as_dict` wrote."""
        return cls(
            plain["name"],
            plain["first"],
            tuple(Level(*level) for level in plain["levels"]),
            tuple((place[0], place[1], place[2], place[3]) for place in plain["placed"]),
        )


def notes_of(atlas: Atlas) -> Notes | None:
    """The document; None before all is computed."""
    if PANEL not in atlas.keys:
        return None
    key = atlas.keys[PANEL]
    if 0 not in atlas.store.folder(PANEL, key).done():
        return None
    found: Notes | None = atlas.document(PANEL, DOCUMENT)
    return found
