"""From what was stored to the page: the atlas to zoom into, its cells in words, how it was made.

Flow: store -> stored -> view_cells -> **view** -> pages. Imports no torch.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamella.analyses.activation_atlas.stored import (
    PANEL,
    STILL,
    TILE,
    TILES,
    Numbering,
    notes_of,
)
from lamella.analyses.activation_atlas.text import method, too_few
from lamella.analyses.activation_atlas.view_cells import Cells, places_in, unit_of
from lamella.figures import Level, Picture, Spot, Table, Zoom
from lamella.figures.article import OVERVIEWS, Article, Part
from lamella.figures.published import network_picture, network_picture_address, unit_page
from lamella.store.facts import Atlas
from lamella.store.slug import slug


def articles(atlas: Atlas) -> tuple[Article, ...]:
    """A page for each atlas whose tiles are there."""
    notes = notes_of(atlas)
    if notes is None:
        return ()
    done = atlas.store.folder(PANEL, atlas.keys[PANEL]).done()
    found = []
    for record in notes["atlases"].values():
        numbering = Numbering(record["place"], tuple(record["sides"]), notes["size"])
        if set(numbering.shown(record["levels"])) <= done:
            found.append(Page(Cells(atlas, record, numbering), record["several"]).article())
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Page:
    """The page of one atlas.

    Attributes:
        several: whether there are other atlases of the network.
    """

    cells: Cells
    several: bool

    @property
    def name(self) -> str:
        return " and ".join(map(str, self.cells.notes["layers"]))

    def article(self) -> Article:
        """The whole page."""
        tail = f"-{re.sub(r'[^a-z0-9]+', '-', slug(self.cells.notes['name']))}"
        return Article(
            "activation-atlas" + (tail if self.several else ""),
            "Activation atlas" + (f": {self.name}" if self.several else ""),
            f"What the network says in {self.name} of any place in the photographs, laid out on a "
            "plane: near each other lies what it takes for alike. Every picture was made by "
            "gradient ascent, to excite the layer as the places behind it do on average.",
            self._parts(),
            group=OVERVIEWS,
            line=f"What the network represents in {self.name}, laid out on a plane.",
        )

    def _parts(self) -> tuple[Part, ...]:
        zoom = self._zoom()
        if zoom is None:
            reason = too_few(self.cells.notes, self.cells.numbering.sides[0])
            return (Part("Nothing to lay out", (reason,)),)
        parts = [Part("The atlas", (), (zoom,)), *self.cells.strongest(), *self.cells.classes()]
        return (*parts, self._made())

    def _zoom(self) -> Zoom | None:
        """The deep-zoom picture; None where it is not there."""
        numbering = self.cells.numbering
        still = network_picture(self.cells.atlas, PANEL, STILL, numbering.still, "")
        if still is None or not self.cells.levels:
            return None
        sides = numbering.sides[: self.cells.levels]
        firsts = [numbering.first + sum(numbering.tiles[:at]) for at in range(self.cells.levels)]
        levels = tuple(
            Level(side * numbering.size, side * numbering.size, first)
            for side, first in zip(sides, firsts, strict=True)
        )
        address = network_picture_address(self.cells.atlas, PANEL, TILES, 0)
        grids = _listed([f"{side} by {side}" for side in sides])
        cells, full = len(self.cells.notes["cells"]), levels[-1].width
        finer = (
            f" Zooming in leads from one grid to the next, {grids}: each cell is divided into four."
            if self.cells.levels > 1
            else ""
        )
        words = (
            " The words name the class whose score the cell raises most."
            if self.cells.named
            else ""
        )
        return Zoom(
            title="",
            alt=f"{cells} pictures in grids of {grids} cells, near each other where the layer "
            "answers alike.",
            still=Picture(
                still.src,
                f"The grid of {still.width // numbering.size} by "
                f"{still.width // numbering.size} cells. The tables below tell its cells in words.",
                still.width,
                still.height,
            ),
            levels=levels,
            tile=TILE,
            folder=address.removesuffix(f"0-{TILES}.webp"),
            name=TILES,
            spots=tuple(self._spot(cell, full) for cell in self.cells.notes["cells"]),
            note=f"Neither axis means anything by itself; what counts is what lies beside what."
            f"{finer}{words} Where there is no picture, too few places of the photographs lie. A "
            "cell leads to the unit that stands out most in it.",
        )

    def _spot(self, cell: Mapping[str, Any], full: int) -> Spot:
        level, row, column = cell["at"]
        side = full // self.cells.numbering.sides[level]
        named = self.cells.class_of(cell)
        words = [*([named] if named else []), f"{cell['count']} places", f"{unit_of(cell)}"]
        link = unit_page(self.cells.atlas, unit_of(cell))
        return Spot(column * side, row * side, side, side, ", ".join(words), link, level)

    def _made(self) -> Part:
        notes, numbering = self.cells.notes, self.cells.numbering
        rows = []
        for level in range(self.cells.levels):
            cells, side = self.cells.of_level(level), numbering.sides[level]
            measured = notes["likeness"][level]
            rows.append(
                (
                    f"{side} by {side}",
                    str(len(cells)),
                    f"{places_in(cells) / max(1, notes['vectors']):.0%}",
                    f"{measured['cosine']:.2f}",
                    f"{measured['own']:.0%}",
                )
            )
        head = ("Grid", "Cells", "Vectors in them", "Cosine", "Nearest to its own")
        note = (
            "Cosine: of the layer's mean values on the picture with the cell's mean vector, "
            "median. Nearest to its own: pictures that are nearer, by the same, to the vector of "
            "their own cell than to that of any other."
        )
        return Part(
            "How it was made",
            method(self.name, notes, numbering.size, self.cells.named),
            (Table("", tuple(rows), head, note),),
        )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
