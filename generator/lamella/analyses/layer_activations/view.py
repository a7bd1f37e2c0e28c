"""The page of one image: from what was stored to galleries, tables and words.

Flow: store -> stored -> **view** -> pages. Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from lamella.analyses.activation_statistics.stored import layer_statistics
from lamella.analyses.layer_activations.stored import (
    CELL,
    CELLS,
    HEAT,
    MAPS,
    PANEL,
    PHOTOGRAPH,
    entries_per_image,
    slug_of,
)
from lamella.analyses.layer_activations.text import (
    HOW,
    NO_CLASSES,
    NOT_NAMED,
    SIGNED,
    STEPS_TITLE,
    UNSIGNED,
    described,
    mapped,
)
from lamella.figures import Cell, Figure, Gallery, Lines, Picture, Series, Table, Tile
from lamella.figures.article import IMAGES, Article, Part
from lamella.figures.format import number
from lamella.figures.published import network_picture, thumbnail, unit_page
from lamella.images.manifest import Photograph
from lamella.network.units import Layer, Unit
from lamella.store.facts import Atlas
from lamella.store.gathering import PanelFacts


def articles(atlas: Atlas) -> tuple[Article, ...]:
    """A page for each image that is done; none where photographs stay private."""
    if PANEL not in atlas.keys or atlas.publish != "whole":
        return ()
    done = atlas.store.folder(PANEL, atlas.keys[PANEL]).done()
    if not done:
        return ()
    stored = atlas.of_network(PANEL, max(done) + 1)
    usual = {one.name: one.active for one in layer_statistics(atlas)}
    starts = range(0, max(done) + 1, entries_per_image(atlas))
    pages = (Page(atlas, stored, first, usual) for first in starts if first in done)
    return tuple(page.article() for page in pages)


@dataclass(frozen=True)
class Page:
    """The page of one image.

    Attributes:
        first: the entry of its photograph; those of the layers follow.
        stored: the numbers of all entries.
        usual: by layer, the mean share of photographs that excite a unit; NaN where not known.
    """

    atlas: Atlas
    stored: PanelFacts
    first: int
    usual: dict[str, float]

    def article(self) -> Article:
        """The whole page."""
        photograph = self._photograph
        slug = slug_of(photograph)
        title = f"Layer-by-layer activations: {self._name}"
        what = f"A photograph of “{photograph.label}”" if photograph.label else "A photograph"
        layers = self.atlas.network.layers
        lead = (
            f"{what} ({photograph.name.rpartition('/')[2]}) on its way through "
            f"{self.atlas.network.name}: the activation maps of all {len(layers)} layers, the "
            "units that answer most, and what the network makes of it."
        )
        return Article(
            slug,
            title,
            lead,
            (self._seen(), self._overview(), *map(self._part, layers)),
            group=IMAGES,
            line="One image, layer by layer.",
        )

    @property
    def _photograph(self) -> Photograph:
        return self.atlas.manifest.photographs[int(self.stored["image"][self.first])]

    @cached_property
    def _name(self) -> str:
        """What the photograph is called: what the network sees, else its label, else its file."""
        top = next(iter(self._top()), None)
        if top is not None and self.atlas.network.classes:
            return top[0].partition(",")[0]
        return self._photograph.label or self._photograph.name.rpartition("/")[2]

    def _top(self) -> list[tuple[str, float]]:
        """The network's strongest outputs: their names and values."""
        names = self.atlas.network.classes if self.stored["named"][self.first] else ()
        found = zip(
            self.stored["output"][self.first].tolist(),
            self.stored["value"][self.first].tolist(),
            strict=True,
        )
        return [(names[at] if names else f"output {at}", value) for at, value in found if at >= 0]

    def _seen(self) -> Part:
        """The photograph, and what the network says of it."""
        picture = self._shown(0, PHOTOGRAPH, f"The photograph: {self._photograph.label or 'image'}")
        tile = picture and Tile(picture, self._photograph.label or "as the network sees it")
        figures: tuple[Figure, ...] = (Gallery("", (tile,), size="lone"),) if tile else ()
        top = self._top()
        if not top:
            return Part("What the network says of it", (NO_CLASSES,), figures)
        named = bool(self.stored["named"][self.first])
        outputs = [int(at) for at in self.stored["output"][self.first]]
        rows = tuple(
            (self._class(name, at), _probability(value) if named else number(value))
            for (name, value), at in zip(top, outputs, strict=False)
        )
        head = ("class", "probability") if named else ("output", "value")
        table = Table("Strongest outputs", rows, head, note="" if named else NOT_NAMED)
        return Part("What the network says of it", (), (*figures, table))

    def _class(self, name: str, output: int) -> str | Cell:
        """A class, linked to the unit of the last layer that stands for it."""
        last = self.atlas.network.layers[-1]
        if last.channels != len(self.atlas.network.classes):
            return name
        return Cell(name, unit_page(self.atlas, Unit(last.name, output)))

    def _overview(self) -> Part:
        """How to read the pictures, and how much of each layer answers."""
        layers = self.atlas.network.layers
        own = tuple(
            math.nan
            if layer.signed
            else float(self.stored["answering"][self.first + at]) / layer.channels
            for at, layer in enumerate(layers, 1)
        )
        usual = tuple(self.usual.get(layer.name, math.nan) for layer in layers)
        series = [Series("this photograph", own), Series("all photographs, on average", usual)]
        series = [one for one in series if any(map(math.isfinite, one.values))]
        names = tuple(layer.name for layer in layers)
        alt = "Share of each layer's units that answer somewhere in the photograph, by depth."
        gap = any(layer.signed for layer in layers)
        note = "Layers whose values may be negative are gaps." if gap else ""
        title = "Share of the units that answer"
        chart = Lines(title, (), tuple(series), alt, "layer", "share", names, note=note)
        signed = (SIGNED,) if any(layer.signed for layer in layers) else ()
        text = (HOW, UNSIGNED, *signed)
        return Part(STEPS_TITLE, text, (chart,) if series else ())

    def _part(self, layer: Layer) -> Part:
        """One layer: all its maps, and its strongest units."""
        return Part(layer.name, (described(layer),), tuple(self._figures(layer)))

    def _figures(self, layer: Layer) -> Iterator[Figure]:
        at = 1 + self.atlas.network.layers.index(layer)
        entry = self.first + at
        columns, enlarged, reduced = self.stored["layout"][entry].tolist()
        answering, dead = (int(self.stored[name][entry]) for name in ("answering", "dead"))
        note = mapped(layer, columns, enlarged, reduced, answering, dead)
        alt = f"The activation maps of all {layer.channels} units of {layer.name}, {columns} a row"
        picture = self._shown(at, MAPS, alt)
        if picture is not None:
            sharp = replace(picture, pixelated=True)
            yield Gallery("", (Tile(sharp, "", link=picture.src),), note, "wide")
        tiles = tuple(self._strongest(layer, at))
        if tiles:
            paired = tiles[0].beside is not None
            size = "pairs" if paired else "small"
            yield Gallery("Strongest units", tiles, size=size)

    def _strongest(self, layer: Layer, at: int) -> Iterator[Tile]:
        entry = self.first + at
        sheet, photograph = self._shown(at, HEAT, ""), self._shown(0, PHOTOGRAPH, "")
        numbers = (self.stored[name][entry].tolist() for name in ("strongest", "peak", "ratio"))
        for place, (channel, peak, ratio) in enumerate(zip(*numbers, strict=True)):
            if channel < 0:
                return
            unit = Unit(layer.name, channel)
            detail = f"{number(peak)}, {ratio:.2f} × usual"
            name = self._output(layer, channel)
            detail = f"{name}: {detail}" if name else detail
            picture, page = thumbnail(self.atlas, unit), unit_page(self.atlas, unit)
            if sheet is None or photograph is None:
                yield Tile(picture, str(unit), detail, page)
                continue
            heat = Picture(sheet.src, "", CELL, CELL, place, CELLS)
            seen = replace(photograph, alt=f"Where {unit} answers in the photograph", over=heat)
            yield Tile(seen, str(unit), detail, page, picture)

    def _output(self, layer: Layer, channel: int) -> str:
        """The class that a unit of the last layer stands for; "" for none."""
        network = self.atlas.network
        own = layer is network.layers[-1] and len(network.classes) == layer.channels
        return network.classes[channel].partition(",")[0] if own else ""

    def _shown(self, at: int, name: str, alt: str) -> Picture | None:
        return network_picture(self.atlas, PANEL, name, self.first + at, alt)


def _probability(share: float) -> str:
    """In percent; never rounded to nothing or to all."""
    if share < 0.0005:
        return "< 0.1 %"
    return "> 99.9 %" if share > 0.9995 else f"{100 * share:.1f} %"
