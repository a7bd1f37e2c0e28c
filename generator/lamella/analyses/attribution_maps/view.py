"""The page of one image: its answers, and a row of maps for each that is explained.

Flow: store -> known -> **page** -> panels/decisions.py. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lamella.analyses.attribution_maps import text as words
from lamella.analyses.attribution_maps.drawing import COARSE, LINE, PHOTOGRAPH, columns, kind
from lamella.analyses.attribution_maps.facts import Known
from lamella.analyses.attribution_maps.text import percent
from lamella.attribution.methods import BY_NAME, METHODS
from lamella.figures import (
    Cell,
    Figure,
    Gallery,
    Legend,
    Picture,
    Reading,
    Table,
    Tile,
    heat,
    links,
)
from lamella.figures.article import Article, Part
from lamella.figures.links import ATTRIBUTION_MAPS, attribution_maps_slug
from lamella.figures.published import network_picture
from lamella.images.manifest import Photograph

RULED_OUT = 0.01  # below this probability the page says so
UNMOVED = 0.02  # share of a probability; if no mask takes as much, the page says so


@dataclass(frozen=True)
class Page:
    """The page of one image.

    Attributes:
        known: what all pages rest on.
        image: its number.
    """

    known: Known
    image: int

    def article(self) -> Article:
        """The whole page."""
        before, after = self._neighbours()
        return Article(
            attribution_maps_slug(self.photograph),
            f"{words.TITLE}: {self.name}",
            f"{self._what()}. The network's first answer is {self.name}, with a probability of "
            f"{percent(self.shares[0])}.",
            (self._answers(), *self._rows(), *self._of_all(), self._methods()),
            listed=False,
            above=Cell(words.TITLE, links.article_page(self._network, ATTRIBUTION_MAPS)),
            before=before,
            after=after,
        )

    @property
    def entry(self) -> int:
        """Under which it is stored."""
        return self.known.done[self.image]

    @property
    def photograph(self) -> Photograph:
        return self.known.atlas.manifest.photographs[self.image]

    @property
    def path(self) -> str:
        """Its address."""
        return links.article_page(self._network, attribution_maps_slug(self.photograph))

    @property
    def outputs(self) -> list[int]:
        """The first answers, most probable first."""
        return [int(one) for one in self.known.stored["output"][self.entry] if one >= 0]

    @property
    def shares(self) -> list[float]:
        """Their probabilities."""
        return [float(one) for one in self.known.stored["share"][self.entry][: len(self.outputs)]]

    @property
    def name(self) -> str:
        """What the page is called: the first answer."""
        return self.known.answers.short(self.outputs[0])

    @property
    def explained(self) -> int:
        """For how many of the answers there are maps."""
        return int(self.known.stored["before"].shape[1])

    @property
    def _network(self) -> str:
        return self.known.atlas.network.name

    def shown(self, alt: str) -> Picture | None:
        """The photograph."""
        return network_picture(self.known.atlas, "attribution_maps", PHOTOGRAPH, self.entry, alt)

    def over(self, method: str, row: int) -> Picture | None:
        """A map from the sheet of coarse ones, or the line of Grad-CAM, without words."""
        return self._cell(COARSE, method, row)

    def _what(self) -> str:
        label = self.photograph.label
        what = f"A photograph of “{label}”" if label else "A photograph"
        return f"{what} ({self.photograph.name.rpartition('/')[2]})"

    def _neighbours(self) -> tuple[Cell | None, Cell | None]:
        order = list(self.known.done)
        at = order.index(self.image)
        before, after = (order[place : place + 1] for place in (max(0, at - 1), at + 1))
        return self._cell_of(before if at else []), self._cell_of(after)

    def _cell_of(self, images: list[int]) -> Cell | None:
        """The page of another image, called by its answer; None for none."""
        pages = [Page(self.known, image) for image in images]
        return Cell(pages[0].name, pages[0].path) if pages else None

    def _answers(self) -> Part:
        """The photograph, and what the network says of it."""
        picture = self.shown(f"{self._what()}.")
        label = f". Label: {self.photograph.label}" if self.photograph.label else ""
        tile = picture and Tile(picture, f"As the network sees it{label}")
        figures: tuple[Figure, ...] = (Gallery("", (tile,), size="lone"),) if tile else ()
        names, classes = self.known.answers.names, self.known.classes
        rows = tuple(
            (Cell(names[at], classes.get(at, "")), Cell(percent(share), bar=share))
            for at, share in zip(self.outputs, self.shares, strict=True)
        )
        head = ("class" if self.known.answers.named else "output", "probability")
        return Part("What it answers", (), (*figures, Table("", rows, head), *self._ways()))

    def _ways(self) -> Iterator[Table]:
        """Where to go on."""
        rows: list[tuple[str | Cell, ...]] = []
        if self.image in self.known.walks:
            rows.append(
                (
                    "Layer by layer",
                    Cell("its way through the network", self.known.walks[self.image]),
                )
            )
        rows += [
            ("Grad-CAM weighs", Cell(layer, links.layer_page(self._network, layer)))
            for layer in self.known.had.layers
            if layer in self.known.atlas.channels
        ]
        if self.known.tested:
            rows.append(
                ("Can the maps be trusted?", Cell("how each was tested", self.known.tested))
            )
        if rows:
            yield Table("", tuple(rows))

    def _rows(self) -> Iterator[Part]:
        """A row of maps for each answer that is explained."""
        names = [name for name in self.known.had.names if BY_NAME[name].of_class]
        for row in range(self.explained):
            share = self.shares[row]
            called = self.known.answers.short(self.outputs[row])
            tiles = (self._photograph(row), *(self._map(name, row) for name in names))
            note = " ".join(self._notes(row, names))
            gallery = Gallery("", tuple(tile for tile in tiles if tile), note, "maps")
            legend = (Legend("", mixed=True, note=words.LEGEND),) if row == 0 else ()
            text = (words.HOW,) if row == 0 else (words.UNLIKELY,) if share < RULED_OUT else ()
            yield Part(f"{called}: probability {percent(share)}", text, (*legend, gallery))

    def _of_all(self) -> Iterator[Part]:
        """Maps that are the same for every answer."""
        names = [name for name in self.known.had.names if not BY_NAME[name].of_class]
        for name in names:
            tiles = (self._photograph(None), self._map(name, 0))
            gallery = Gallery("", tuple(tile for tile in tiles if tile), size="maps")
            yield Part(BY_NAME[name].title, (words.OF_ALL,), (gallery,))

    def _photograph(self, row: int | None) -> Tile | None:
        """The first tile of a row: the photograph, with the line of Grad-CAM where there is one."""
        line = None if row is None else self._cell(COARSE, LINE, row)
        where = ", with a line around what is above half of Grad-CAM's maximum" if line else ""
        picture = self.shown(f"The photograph{where}.")
        if picture is None:
            return None
        told = "line: Grad-CAM at half of its maximum" if line else ""
        return Tile(replace(picture, over=line), "Photograph", told)

    def _map(self, name: str, row: int) -> Tile | None:
        """One map, with the numbers behind it."""
        method, stored = BY_NAME[name], self.known.stored
        sheet = kind(method)
        cell, photograph = self._cell(sheet, name, row), self.shown("")
        if cell is None or photograph is None:
            return None
        levels = stored[f"{name}_levels"][self.entry, row]
        low, high = (float(one) for one in stored[f"{name}_range"][self.entry, row])
        full, largest, lowest = (float(one) for one in stored[f"{name}_scale"][self.entry, row])
        said = f"{{}} {method.value}"
        if name == "occlusion":
            said = words.under_mask(float(stored["before"][self.entry, row]), low, high)
            low, high = 100 * low, 100 * high
        reading: Reading = heat.read(levels, low, high, said)
        alt = words.described(method, self.known.answers.short(self.outputs[row]), levels, full)
        picture = (
            replace(photograph, alt=alt, over=cell, reading=reading)
            if sheet == COARSE
            else replace(cell, alt=alt, reading=reading)
        )
        return Tile(picture, method.title, words.scale_of(method, full, largest, lowest))

    def _cell(self, sheet: str, column: str, row: int) -> Picture | None:
        """A cell of a sheet, without words."""
        held = columns(self.known.had.names).get(sheet, [])
        picture = network_picture(self.known.atlas, "attribution_maps", sheet, self.entry, "")
        if picture is None or column not in held:
            return None
        place = row * len(held) + held.index(column)
        return replace(picture, cell=place, columns=len(held), rows=self.explained)

    def _notes(self, row: int, names: Sequence[str]) -> Iterator[str]:
        """How well integrated gradients add up, and whether masks change anything."""
        if "integrated" in names:
            total, difference = self.known.stored["sums"][self.entry, row].tolist()
            yield words.gap(total, difference)
        if "occlusion" in names:
            largest = float(self.known.stored["occlusion_scale"][self.entry, row][1])
            if largest < UNMOVED * self.shares[row] and self.shares[row] >= RULED_OUT:
                yield words.unmoved(largest)

    def _methods(self) -> Part:
        """How each method works, and why some are not there."""
        had, missing = self.known.had.names, dict(self.known.had.missing)
        text = [words.about(method) for method in METHODS if method.name in had]
        text += [
            f"{method.title}. {missing[method.name]}"
            for method in METHODS
            if method.name in missing
        ]
        if "gradcam" in had:
            text.append(f"Here Grad-CAM weighs {self.known.had.weighed}.")
        return Part("The methods", tuple(text))
