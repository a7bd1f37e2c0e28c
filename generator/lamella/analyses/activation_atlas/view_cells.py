"""The cells of an atlas in words: those that stand out, and which classes take up most of it.

Flow: stored -> **view_cells** -> view. Imports no torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamella.analyses.activation_atlas.stored import PANEL, STILL, Numbering
from lamella.figures import Cell, Figure, Gallery, Picture, Table, Tile
from lamella.figures.article import Part
from lamella.figures.published import network_picture, unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas

SHOWN = 18  # cells that are shown large
LISTED = 24  # classes in the table

CellRecord = Mapping[str, Any]  # see `Layout.cell_records`


@dataclass(frozen=True, slots=True)
class Cells:
    """All cells of one atlas.

    Attributes:
        notes: what was written beside the shards of this atlas.
    """

    atlas: Atlas
    notes: Mapping[str, Any]
    numbering: Numbering

    @property
    def levels(self) -> int:
        return int(self.notes["levels"])

    @property
    def named(self) -> bool:
        """Whether cells have classes."""
        return any(cell["classes"] for cell in self.notes["cells"])

    def class_of(self, cell: CellRecord, place: int = 0) -> str:
        """A class that a cell pushes; "" where there are not so many."""
        if place >= len(cell["classes"]):
            return ""
        return self.atlas.network.classes[int(cell["classes"][place][0])]

    def of_level(self, level: int) -> list[CellRecord]:
        return [cell for cell in self.notes["cells"] if cell["at"][0] == level]

    def strongest(self) -> tuple[Part, ...]:
        """Cells of the still picture: those that push a class most, or hold most."""
        numbering = self.numbering
        level = numbering.level_of_still(self.levels)
        side = numbering.sides[level]
        sheet = network_picture(self.atlas, PANEL, STILL, numbering.still, "")
        assert sheet is not None  # or there would be no page

        def weight(cell: CellRecord) -> tuple[float, int]:
            return (cell["classes"][0][1] if cell["classes"] else 0.0, cell["count"])

        tiles: list[Tile] = []
        seen: set[str] = set()
        for cell in sorted(self.of_level(level), key=weight, reverse=True):
            name = self.class_of(cell)
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
            second = self.class_of(cell, 1)
            gain = f"{cell['classes'][0][1]:+.1f}; then {second}; " if second else ""
            detail = f"{gain}{cell['count']} places"
            caption = name or f"row {row + 1}, column {column + 1}"
            tiles.append(Tile(picture, caption, detail, unit_page(self.atlas, unit_of(cell))))
        if self.named:
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

    def classes(self) -> tuple[Part, ...]:
        """Which classes take up most of the atlas, as a table."""
        if not self.named:
            return ()
        finest = self.of_level(self.levels - 1)
        found: dict[str, list[CellRecord]] = {}
        for cell in finest:
            if self.class_of(cell):
                found.setdefault(self.class_of(cell), []).append(cell)
        total = sum(cell["count"] for cell in finest)
        order = sorted(found.items(), key=lambda item: (-places_in(item[1]), item[0]))
        rows = []
        for name, cells in order[:LISTED]:
            most = max(cells, key=lambda cell: (cell["classes"][0][1], cell["count"]))
            unit = unit_of(most)
            rows.append(
                (
                    name,
                    str(len(cells)),
                    f"{places_in(cells) / total:.1%}",
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


def unit_of(cell: CellRecord) -> Unit:
    """The unit that stands out most in a cell."""
    layer, channel = cell["unit"]
    return Unit(layer, channel)


def places_in(cells: Sequence[CellRecord]) -> int:
    """How many places of the photographs lie in some cells."""
    return sum(int(cell["count"]) for cell in cells)
