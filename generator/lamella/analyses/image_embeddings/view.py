"""What the pages say and show of the space of images.

Flow: store -> stored -> **view** -> pages. Imports no torch. Without leave to show
whole photographs only numbers are left: neither pictures nor names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from lamella.analyses.image_embeddings import text
from lamella.analyses.image_embeddings.stored import (
    MAPS,
    NEAREST,
    PANEL,
    THUMB,
    Mosaic,
    Notes,
    notes_of,
)
from lamella.figures import Figure, Gallery, Spot, Table, Tile, Zoom, links
from lamella.figures.article import IMAGES, Article, Part
from lamella.figures.published import network_picture, network_picture_address
from lamella.figures.zoom import TILE
from lamella.store.facts import Atlas


def articles(atlas: Atlas) -> tuple[Article, ...]:
    """The pages, as far as there is something to tell; none before all is computed."""
    notes = notes_of(atlas)
    if notes is None:
        return ()
    pages = Pages(atlas, notes)
    return (pages.maps(), pages.nearest())


@dataclass(frozen=True)
class Pages:
    """The pages of one space of images.

    Attributes:
        notes: what was remembered beside the shards.
    """

    atlas: Atlas
    notes: Notes

    @property
    def public(self) -> bool:
        """Whether whole photographs may be shown, and named."""
        return self.atlas.publish == "whole"

    def maps(self) -> Article:
        """Maps and grids."""
        parts = [Part("What is compared", text.compared(self.notes))]
        mosaics = {m["name"]: Mosaic.from_dict(m) for m in self.notes["mosaics"]}
        for method, title in text.METHODS.items():
            if f"{method}-map" not in mosaics:
                continue
            figures = [
                figure
                for kind in ("map", "grid")
                if (figure := self._zoom(mosaics[f"{method}-{kind}"], title, kind)) is not None
            ]
            parts.append(Part(title, text.method(method, self.notes), tuple(figures)))
        if not mosaics:
            parts.append(Part("No map", text.no_map(self.notes)))
        if self.notes["kept"]:
            parts.append(Part("What the maps keep", text.kept(), (self._kept(),)))
        parts.append(self._scales())
        lead = text.lead(self.notes)
        line = "The images, laid out by the network's features."
        return Article(MAPS, "Image embeddings", lead, tuple(parts), group=IMAGES, line=line)

    def nearest(self) -> Article:
        """Nearest neighbours."""
        parts = []
        if self.notes["nearest"]:
            parts.append(Part("How near is measured", text.distances(self.notes)))
            if self.notes["agreement"]:
                parts.append(Part("Do neighbours share a label?", (), (self._agreement(),)))
            if self.public and self.notes["queries"]:
                figures = tuple(self._rows())
                parts.append(Part("Neighbours", text.neighbours(self.notes), figures))
            parts.append(self._scales(text.NEIGHBOURLY))
        lead = text.nearest_lead()
        line = "Nearest neighbours by features, and by pixels."
        return Article(NEAREST, "Nearest images", lead, tuple(parts), group=IMAGES, line=line)

    # Figures.

    def _zoom(self, mosaic: Mosaic, title: str, kind: str) -> Zoom | None:
        """A map or a grid; None where it is not published."""
        number = len(mosaic.placed)
        alt = text.alt(title, kind, number)
        still = network_picture(self.atlas, PANEL, f"{mosaic.name}-still", mosaic.first, alt)
        if still is None:
            return None
        first = network_picture_address(self.atlas, PANEL, mosaic.name, mosaic.first)
        spots = tuple(
            Spot(left, top, side, side, self._name(image), self._link(image))
            for image, left, top, side in mosaic.placed
        )
        return Zoom(
            title=text.zoom_title(title, kind),
            alt=alt,
            still=still,
            levels=mosaic.levels,
            tile=TILE,
            folder=first.rpartition("/")[0] + "/",
            name=mosaic.name,
            spots=spots,
            note=text.zoom_note(kind, number, self.notes),
        )

    def _rows(self) -> Iterator[Figure]:
        """For each query a row by each distance, the query in front."""
        for query in self.notes["queries"]:
            own = self._tile(query["image"])
            for kind, title in text.KINDS.items():
                others = [self._tile(image) for image in query[kind]]
                tiles = tuple(tile for tile in (own, *others) if tile)
                yield Gallery(title, tiles, size="near")

    def _tile(self, image: int) -> Tile | None:
        name = self._name(image)
        picture = network_picture(self.atlas, PANEL, THUMB, image, name)
        label = self.atlas.manifest.photographs[image].label
        return Tile(picture, label, link=self._link(image)) if picture else None

    def _kept(self) -> Table:
        kept = self.notes["kept"]
        rows = [(title, _percent(kept[m])) for m, title in text.METHODS.items() if m in kept]
        rows.append(("by chance", _percent(kept["chance"])))
        return Table("", tuple(rows), ("map", "nearest neighbours kept"))

    def _agreement(self) -> Table:
        labels = self.notes["agreement"]
        rows = [(title, _percent(labels["shares"][kind])) for kind, title in text.KINDS.items()]
        rows.append(("by chance", _percent(labels["chance"])))
        return Table("", tuple(rows), ("nearest by", "same label"), text.agreement(self.notes))

    def _scales(self, steps: int | None = None) -> Part:
        """What grows how; only the first steps where not all are of the page."""
        head = ("step", "grows with the images n", "memory", "limit")
        table = Table("", text.costs(self.notes)[:steps], head)
        return Part("How this scales", text.scales(self.notes), (table,))

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
