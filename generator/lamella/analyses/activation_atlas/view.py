"""From what was stored to the page: the atlas to zoom into, its cells in words, how it was made.

Flow: store -> **page** -> panels' `articles`. Imports no torch.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamella.analyses.activation_atlas.stored import PANEL, STILL, TILE, TILES, Numbering
from lamella.analyses.activation_atlas.text import told, too_few
from lamella.figures import Cell, Figure, Gallery, Level, Picture, Spot, Table, Tile, Zoom
from lamella.figures.article import Article, Part
from lamella.figures.published import network_picture, network_picture_address, unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas
from lamella.store.slug import slug

SHOWN = 18  # cells that are shown large
LISTED = 24  # classes in the table


@dataclass(frozen=True, slots=True)
class Page:
    """The page of one atlas.

    Attributes:
        notes: what was written beside the shards of this atlas.
        several: whether there are other atlases of the network.
    """

    atlas: Atlas
    notes: Mapping[str, Any]
    numbering: Numbering
    several: bool

    @property
    def name(self) -> str:
        return " and ".join(map(str, self.notes["layers"]))

    def article(self) -> Article:
        """The whole page."""
        tail = f"-{re.sub(r'[^a-z0-9]+', '-', slug(self.notes['name']))}"
        return Article(
            "activation-atlas" + (tail if self.several else ""),
            "Activation atlas" + (f": {self.name}" if self.several else ""),
            f"What the network says in {self.name} of any place in the photographs, laid out on a "
            "plane: near each other lies what it takes for alike. Every picture was made by "
            "gradient ascent, to excite the layer as the places behind it do on average.",
            self._parts(),
        )

    def _parts(self) -> tuple[Part, ...]:
        zoom = self._zoom()
        if zoom is None:
            return (Part("Nothing to lay out", (too_few(self.notes, self.numbering.sides[0]),)),)
        parts = [Part("The atlas", (), (zoom,)), *self._strongest(), *self._classes()]
        return (*parts, self._made())

    @property
    def levels(self) -> int:
        return int(self.notes["levels"])

    def _zoom(self) -> Zoom | None:
        """The deep-zoom picture; None where it is not there."""
        numbering = self.numbering
        still = network_picture(self.atlas, PANEL, STILL, numbering.still, "")
        if still is None or not self.levels:
            return None
        sides = numbering.sides[: self.levels]
        firsts = [numbering.first + sum(numbering.tiles[:at]) for at in range(self.levels)]
        levels = tuple(
            Level(side * numbering.size, side * numbering.size, first)
            for side, first in zip(sides, firsts, strict=True)
        )
        address = network_picture_address(self.atlas, PANEL, TILES, 0)
        grids = _listed([f"{side} by {side}" for side in sides])
        cells, full = len(self.notes["cells"]), levels[-1].width
        finer = (
            f" Zooming in leads from one grid to the next, {grids}: each cell is divided into four."
            if self.levels > 1
            else ""
        )
        words = (
            " The words name the class whose score the cell raises most." if self._named() else ""
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
            spots=tuple(self._spot(cell, full) for cell in self.notes["cells"]),
            note=f"Neither axis means anything by itself; what counts is what lies beside what."
            f"{finer}{words} Where there is no picture, too few places of the photographs lie. A "
            "cell leads to the unit that stands out most in it.",
        )

    def _spot(self, cell: Mapping[str, Any], full: int) -> Spot:
        level, row, column = cell["at"]
        side = full // self.numbering.sides[level]
        named = self._class(cell)
        words = [*([named] if named else []), f"{cell['count']} places", f"{_unit(cell)}"]
        link = unit_page(self.atlas, _unit(cell))
        return Spot(column * side, row * side, side, side, ", ".join(words), link, level)

    def _named(self) -> bool:
        return any(cell["classes"] for cell in self.notes["cells"])

    def _class(self, cell: Mapping[str, Any], place: int = 0) -> str:
        """A class that a cell pushes; "" where there are not so many."""
        if place >= len(cell["classes"]):
            return ""
        return self.atlas.network.classes[int(cell["classes"][place][0])]

    def _of_level(self, level: int) -> list[Mapping[str, Any]]:
        return [cell for cell in self.notes["cells"] if cell["at"][0] == level]

    def _strongest(self) -> tuple[Part, ...]:
        """Cells of the still picture: those that push a class most, or hold most."""
        numbering = self.numbering
        level = numbering.level_of_still(self.levels)
        side = numbering.sides[level]
        sheet = network_picture(self.atlas, PANEL, STILL, numbering.still, "")
        assert sheet is not None  # or there would be no page

        def weight(cell: Mapping[str, Any]) -> tuple[float, int]:
            return (cell["classes"][0][1] if cell["classes"] else 0.0, cell["count"])

        tiles: list[Tile] = []
        seen: set[str] = set()
        for cell in sorted(self._of_level(level), key=weight, reverse=True):
            name = self._class(cell)
            if len(tiles) == SHOWN or (name and name in seen):
                continue
            seen.add(name)
            _, row, column = cell["at"]
            alt = f"Cell in row {row + 1}, column {column + 1}" + (f": {name}" if name else "")
            picture = Picture(
                sheet.src,
                alt,
                numbering.size,
                numbering.size,
                row * side + column,
                side,
                side,
            )
            second = self._class(cell, 1)
            gain = f"{cell['classes'][0][1]:+.1f}; then {second}; " if second else ""
            detail = f"{gain}{cell['count']} places"
            caption = name or f"row {row + 1}, column {column + 1}"
            tiles.append(Tile(picture, caption, detail, unit_page(self.atlas, _unit(cell))))
        if self._named():
            title = "Cells that push a class most"
            text = (
                f"Of the grid of {side} by {side} cells, one for each class. The number is what "
                "the score of the class gains, before the softmax, where the layer says the "
                "cell's mean vector at every position in place of the mean of all vectors; then "
                "the class that gains second most. Each leads to the unit that stands out most.",
            )
        else:
            title = "Cells that hold most"
            text = (f"Of the grid of {side} by {side} cells: how many places lie in each.",)
        return (Part(title, text, (Gallery("", tuple(tiles)),)),)

    def _classes(self) -> tuple[Part, ...]:
        """Which classes take up most of the atlas, as a table."""
        if not self._named():
            return ()
        finest = self._of_level(self.levels - 1)
        found: dict[str, list[Mapping[str, Any]]] = {}
        for cell in finest:
            if self._class(cell):
                found.setdefault(self._class(cell), []).append(cell)
        total = sum(cell["count"] for cell in finest)
        order = sorted(found.items(), key=lambda item: (-_count(item[1]), item[0]))
        rows = []
        for name, cells in order[:LISTED]:
            most = max(cells, key=lambda cell: (cell["classes"][0][1], cell["count"]))
            unit = _unit(most)
            rows.append(
                (
                    name,
                    str(len(cells)),
                    f"{_count(cells) / total:.1%}",
                    Cell(str(unit), unit_page(self.atlas, unit)),
                )
            )
        side = self.numbering.sides[self.levels - 1]
        head = ("Class", "Cells", "Of the places", "Unit that stands out where it is pushed most")
        more = len(order) - len(rows)
        note = f"And {more} more classes." if more > 0 else ""
        text = (
            f"{len(order)} classes are pushed most by some cell of the finest grid, {side} by "
            f"{side}. Photographs of other things would fill it with others.",
        )
        table: Figure = Table("", tuple(rows), head, note)
        return (Part("Classes on the atlas", text, (table,)),)

    def _made(self) -> Part:
        notes, numbering = self.notes, self.numbering
        rows = []
        for level in range(self.levels):
            cells, side = self._of_level(level), numbering.sides[level]
            measured = notes["likeness"][level]
            rows.append(
                (
                    f"{side} by {side}",
                    str(len(cells)),
                    f"{_count(cells) / max(1, notes['vectors']):.0%}",
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
            told(self.name, notes, numbering.size, self._named()),
            (Table("", tuple(rows), head, note),),
        )


def _unit(cell: Mapping[str, Any]) -> Unit:
    layer, channel = cell["unit"]
    return Unit(layer, channel)


def _count(cells: list[Mapping[str, Any]]) -> int:
    return sum(int(cell["count"]) for cell in cells)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
