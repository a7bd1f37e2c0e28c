"""What the pages say and show of the space of images.

Flow: store -> **page** -> articles. Without leave to show whole photographs only numbers are left:
neither pictures nor names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from lamella.analyses.image_embeddings import text as words
from lamella.analyses.image_embeddings.mosaic import Mosaic
from lamella.figures import Figure, Gallery, Spot, Table, Tile, Zoom, links
from lamella.figures.article import Article, Part
from lamella.figures.published import network_picture, network_picture_address
from lamella.figures.zoom import TILE
from lamella.store.facts import Atlas

NAME = "image_embeddings"  # the panel's
DOCUMENT = "space"  # beside its shards
THUMB = "thumb"
MAPS, NEAREST = "image-embeddings", "image-neighbours"  # addresses: promises


def articles(atlas: Atlas) -> tuple[Article, ...]:
    """The pages, as far as there is something to tell; none before all is computed."""
    if NAME not in atlas.keys:
        return ()
    notes = atlas.store.read_json(f"{NAME}-{atlas.keys[NAME][:16]}/{DOCUMENT}.json")
    if notes is None or 0 not in atlas.store.folder(NAME, atlas.keys[NAME]).done():
        return ()
    told = Told(atlas, notes)
    return (told.maps(), told.nearest())


@dataclass(frozen=True)
class Told:
    """The pages of one space of images.

    Attributes:
        notes: what was remembered beside the shards.
    """

    atlas: Atlas
    notes: dict[str, Any]

    @property
    def public(self) -> bool:
        """Whether whole photographs may be shown, and named."""
        return self.atlas.publish == "whole"

    def maps(self) -> Article:
        """Maps and grids."""
        parts = [Part("What is compared", words.compared(self.notes))]
        mosaics = {m["name"]: Mosaic.from_dict(m) for m in self.notes["mosaics"]}
        for method, title in words.METHODS.items():
            if f"{method}-map" not in mosaics:
                continue
            figures = [
                figure
                for kind in ("map", "grid")
                if (figure := self._zoom(mosaics[f"{method}-{kind}"], title, kind)) is not None
            ]
            parts.append(Part(title, words.method(method, self.notes), tuple(figures)))
        if not mosaics:
            parts.append(Part("No map", words.no_map(self.notes)))
        if self.notes["kept"]:
            parts.append(Part("What the maps keep", words.kept(), (self._kept(),)))
        parts.append(self._scales())
        lead = words.lead(self.notes)
        return Article(MAPS, "The space of images", lead, tuple(parts))

    def nearest(self) -> Article:
        """Nearest neighbours."""
        parts = []
        if self.notes["nearest"]:
            parts.append(Part("How near is measured", words.distances(self.notes)))
            if self.notes["agreement"]:
                parts.append(Part("Do neighbours share a label?", (), (self._agreement(),)))
            if self.public and self.notes["queries"]:
                figures = tuple(self._rows())
                parts.append(Part("Neighbours", words.neighbours(self.notes), figures))
            parts.append(self._scales(words.NEIGHBOURLY))
        return Article(NEAREST, "Nearest images", words.nearest_lead(), tuple(parts))

    # Figures.

    def _zoom(self, mosaic: Mosaic, title: str, kind: str) -> Zoom | None:
        """A map or a grid; None where it is not published."""
        number = len(mosaic.placed)
        alt = words.alt(title, kind, number)
        still = network_picture(self.atlas, NAME, f"{mosaic.name}-still", mosaic.first, alt)
        if still is None:
            return None
        first = network_picture_address(self.atlas, NAME, mosaic.name, mosaic.first)
        spots = tuple(
            Spot(left, top, side, side, self._name(image), self._link(image))
            for image, left, top, side in mosaic.placed
        )
        return Zoom(
            title=words.zoom_title(title, kind),
            alt=alt,
            still=still,
            levels=mosaic.levels,
            tile=TILE,
            folder=first.rpartition("/")[0] + "/",
            name=mosaic.name,
            spots=spots,
            note=words.zoom_note(kind, number, self.notes),
        )

    def _rows(self) -> Iterator[Figure]:
        """For each query a row by each distance, the query in front."""
        for query in self.notes["queries"]:
            own = self._tile(query["image"])
            for kind, title in words.KINDS.items():
                others = [self._tile(image) for image in query[kind]]
                tiles = tuple(tile for tile in (own, *others) if tile)
                yield Gallery(title, tiles, size="near")

    def _tile(self, image: int) -> Tile | None:
        name = self._name(image)
        picture = network_picture(self.atlas, NAME, THUMB, image, name)
        label = self.atlas.manifest.photographs[image].label
        return Tile(picture, label, link=self._link(image)) if picture else None

    def _kept(self) -> Table:
        kept = self.notes["kept"]
        rows = [(title, _percent(kept[m])) for m, title in words.METHODS.items() if m in kept]
        rows.append(("by chance", _percent(kept["chance"])))
        return Table("", tuple(rows), ("map", "nearest neighbours kept"))

    def _agreement(self) -> Table:
        told = self.notes["agreement"]
        rows = [(title, _percent(told["shares"][kind])) for kind, title in words.KINDS.items()]
        rows.append(("by chance", _percent(told["chance"])))
        return Table("", tuple(rows), ("nearest by", "same label"), words.agreement(self.notes))

    def _scales(self, steps: int | None = None) -> Part:
        """What grows how; only the first steps where not all are of the page."""
        head = ("step", "grows with the images n", "memory", "limit")
        table = Table("", words.costs(self.notes)[:steps], head)
        return Part("How this scales", words.scales(self.notes), (table,))

    # Photographs.

    def _name(self, image: int) -> str:
        photograph = self.atlas.manifest.photographs[image]
        stem = PurePosixPath(photograph.name).stem
        return f"{photograph.label} · {stem}" if photograph.label else stem

    def _link(self, image: int) -> str:
        """The whole photograph, where the atlas has it."""
        there = image in self._photographs
        return links.photograph(self.atlas.network.name, image) if there else ""

    @cached_property
    def _photographs(self) -> frozenset[int]:
        if "photographs" not in self.atlas.keys or not self.public:
            return frozenset()
        key = self.atlas.keys["photographs"]
        return frozenset(self.atlas.store.folder("photographs", key).done())


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
