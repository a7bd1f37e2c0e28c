"""The page of one image: its answers, and a row of maps for each that is explained.

Flow: records -> **image_page** -> view. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lamella.analyses.attribution_maps import text
from lamella.analyses.attribution_maps.records import ImageRecords
from lamella.analyses.attribution_maps.stored import (
    COARSE,
    CONTOUR,
    PANEL,
    PHOTOGRAPH,
    columns,
    sheet_of,
)
from lamella.analyses.attribution_maps.text import percent
from lamella.attribution.methods import BY_NAME, METHODS
from lamella.figures import Cell, Figure, Gallery, Legend, Picture, Table, Tile, heat, links
from lamella.figures.article import Article, Part
from lamella.figures.links import ATTRIBUTION_MAPS, attribution_maps_slug
from lamella.figures.published import network_picture
from lamella.images.manifest import Photograph

RULED_OUT = 0.01  # below this probability the page says so
UNMOVED = 0.02  # share of a probability; if no mask takes as much, the page says so


@dataclass(frozen=True)
class ImagePage:
    """The page of one image.

    Attributes:
        records: what is stored of all images that have a page.
        image: its number.
    """

    records: ImageRecords
    image: int

    def article(self) -> Article:
        """The whole page."""
        before, after = self._neighbours()
        return Article(
            attribution_maps_slug(self.photograph),
            f"{text.TITLE}: {self.name}",
            f"{self._what()}. The network's first answer is {self.name}, with a probability of "
            f"{percent(self.shares[0])}.",
            (self._answers(), *self._rows(), *self._of_all(), self._methods()),
            listed=False,
            above=Cell(text.TITLE, links.article_page(self._network, ATTRIBUTION_MAPS)),
            before=before,
            after=after,
        )

    @property
    def entry(self) -> int:
        """Under which it is stored."""
        return self.records.entries[self.image]

    @property
    def photograph(self) -> Photograph:
        return self.records.atlas.manifest.photographs[self.image]

    @property
    def path(self) -> str:
        """Its address."""
        return links.article_page(self._network, attribution_maps_slug(self.photograph))

    @property
    def outputs(self) -> list[int]:
        """The first answers, most probable first."""
        return [int(one) for one in self.records.stored["output"][self.entry] if one >= 0]

    @property
    def shares(self) -> list[float]:
        """Their probabilities."""
        return [float(one) for one in self.records.stored["share"][self.entry][: len(self.outputs)]]

    @property
    def name(self) -> str:
        """What the page is called: the first answer."""
        return self.records.answers.short(self.outputs[0])

    @property
    def explained(self) -> int:
        """For how many of the answers there are maps."""
        return int(self.records.stored["before"].shape[1])

    @property
    def _network(self) -> str:
        return self.records.atlas.network.name

    def shown(self, alt: str) -> Picture | None:
        """The photograph."""
        return network_picture(self.records.atlas, PANEL, PHOTOGRAPH, self.entry, alt)

    def over(self, method: str, row: int) -> Picture | None:
        """A map from the sheet of coarse ones, or the line of Grad-CAM, without text."""
        return self._cell(COARSE, method, row)

    def _what(self) -> str:
        label = self.photograph.label
        what = f"A photograph of “{label}”" if label else "A photograph"
        return f"{what} ({self.photograph.name.rpartition('/')[2]})"

    def _neighbours(self) -> tuple[Cell | None, Cell | None]:
        order = list(self.records.entries)
        at = order.index(self.image)
        before, after = (order[place : place + 1] for place in (max(0, at - 1), at + 1))
        return self._cell_of(before if at else []), self._cell_of(after)

    def _cell_of(self, images: list[int]) -> Cell | None:
        """The page of another image, called by its answer; None for none."""
        pages = [ImagePage(self.records, image) for image in images]
        return Cell(pages[0].name, pages[0].path) if pages else None

    def _answers(self) -> Part:
        """The photograph, and what the network says of it."""
        picture = self.shown(f"{self._what()}.")
        label = f". Label: {self.photograph.label}" if self.photograph.label else ""
        tile = picture and Tile(picture, f"As the network sees it{label}")
        figures: tuple[Figure, ...] = (Gallery("", (tile,), size="lone"),) if tile else ()
        names, classes = self.records.answers.names, self.records.class_pages
        rows = tuple(
            (Cell(names[at], classes.get(at, "")), Cell(percent(share), bar=share))
            for at, share in zip(self.outputs, self.shares, strict=True)
        )
        head = ("class" if self.records.answers.named else "output", "probability")
        return Part("Predictions", (), (*figures, Table("", rows, head), *self._links()))

    def _links(self) -> Iterator[Table]:
        """Links to other pages."""
        rows: list[tuple[str | Cell, ...]] = []
        if self.image in self.records.layer_pages:
            rows.append(
                (
                    "Layer by layer",
                    Cell("its way through the network", self.records.layer_pages[self.image]),
                )
            )
        rows += [
            ("Grad-CAM weighs", Cell(layer, links.layer_page(self._network, layer)))
            for layer in self.records.methods.layers
            if layer in self.records.atlas.channels
        ]
        if self.records.sanity_page:
            rows.append(("Sanity checks", Cell("how each was tested", self.records.sanity_page)))
        if rows:
            yield Table("", tuple(rows))

    def _rows(self) -> Iterator[Part]:
        """A row of maps for each answer that is explained."""
        names = [name for name in self.records.methods.names if BY_NAME[name].of_class]
        for row in range(self.explained):
            share = self.shares[row]
            called = self.records.answers.short(self.outputs[row])
            tiles = (self._photograph(row), *(self._map(name, row) for name in names))
            note = " ".join(self._notes(row, names))
            gallery = Gallery("", tuple(tile for tile in tiles if tile), note, "maps")
            legend = (Legend("", mixed=True, note=text.LEGEND),) if row == 0 else ()
            paragraphs = (text.HOW,) if row == 0 else (text.UNLIKELY,) if share < RULED_OUT else ()
            yield Part(f"{called}: probability {percent(share)}", paragraphs, (*legend, gallery))

    def _of_all(self) -> Iterator[Part]:
        """Maps that are the same for every answer."""
        names = [name for name in self.records.methods.names if not BY_NAME[name].of_class]
        for name in names:
            tiles = (self._photograph(None), self._map(name, 0))
            gallery = Gallery("", tuple(tile for tile in tiles if tile), size="maps")
            yield Part(BY_NAME[name].title, (text.OF_ALL,), (gallery,))

    def _photograph(self, row: int | None) -> Tile | None:
        """The first tile of a row: the photograph, with the line of Grad-CAM where there is one."""
        line = None if row is None else self._cell(COARSE, CONTOUR, row)
        where = ", with a line around what is above half of Grad-CAM's maximum" if line else ""
        picture = self.shown(f"The photograph{where}.")
        if picture is None:
            return None
        detail = "line: Grad-CAM at half of its maximum" if line else ""
        return Tile(replace(picture, over=line), "Photograph", detail)

    def _map(self, name: str, row: int) -> Tile | None:
        """One map, with the numbers behind it."""
        method, stored = BY_NAME[name], self.records.stored
        sheet = sheet_of(method)
        cell, photograph = self._cell(sheet, name, row), self.shown("")
        if cell is None or photograph is None:
            return None
        levels = stored[f"{name}_levels"][self.entry, row]
        low, high = (float(one) for one in stored[f"{name}_range"][self.entry, row])
        full, largest, lowest = (float(one) for one in stored[f"{name}_scale"][self.entry, row])
        unit = f"{{}} {method.value}"
        if name == "occlusion":
            unit = text.under_mask(float(stored["before"][self.entry, row]), low, high)
            low, high = 100 * low, 100 * high
        reading = heat.read(levels, low, high, unit)
        alt = text.described(method, self.records.answers.short(self.outputs[row]), levels, full)
        picture = (
            replace(photograph, alt=alt, over=cell, reading=reading)
            if sheet == COARSE
            else replace(cell, alt=alt, reading=reading)
        )
        return Tile(picture, method.title, text.scale_of(method, full, largest, lowest))

    def _cell(self, sheet: str, column: str, row: int) -> Picture | None:
        """A cell of a sheet, without text."""
        held = columns(self.records.methods.names).get(sheet, [])
        picture = network_picture(self.records.atlas, PANEL, sheet, self.entry, "")
        if picture is None or column not in held:
            return None
        place = row * len(held) + held.index(column)
        return replace(picture, cell=place, columns=len(held), rows=self.explained)

    def _notes(self, row: int, names: Sequence[str]) -> Iterator[str]:
        """How well integrated gradients add up, and whether masks change anything."""
        if "integrated" in names:
            total, difference = self.records.stored["sums"][self.entry, row].tolist()
            yield text.gap(total, difference)
        if "occlusion" in names:
            largest = float(self.records.stored["occlusion_scale"][self.entry, row][1])
            if largest < UNMOVED * self.shares[row] and self.shares[row] >= RULED_OUT:
                yield text.unmoved(largest)

    def _methods(self) -> Part:
        """How each method works, and why some are not there."""
        methods, missing = self.records.methods, dict(self.records.methods.missing)
        paragraphs = [text.about(method) for method in METHODS if method.name in methods.names]
        paragraphs += [
            f"{method.title}. {missing[method.name]}"
            for method in METHODS
            if method.name in missing
        ]
        if "gradcam" in methods.names:
            paragraphs.append(f"Here Grad-CAM weighs {methods.weighed}.")
        return Part("The methods", tuple(paragraphs))
