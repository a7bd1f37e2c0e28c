"""An atlas in Python: its layers and units, read from the pages alone.

Flow: atlas.json, units.csv and pictures of a site -> **opened** -> notebooks, `lamella cite`.
`lamella.open` leads here. Needs no torch and no store.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from lamella.config.config import load
from lamella.errors import SiteError, said
from lamella.exports import frames, notebook
from lamella.figures import links
from lamella.figures.published import PATCHES, PICTURE
from lamella.network.units import Unit as Named
from lamella.network.units import unit_named
from lamella.site.catalogue import CHANNEL, FILE, TEXT, Catalogue, LayerEntry, text_of
from lamella.site.citation import Citation, citation

if TYPE_CHECKING:
    import pandas as pd


def site_of(path: Path) -> Path:
    """The folder of a site: the path itself, or where the atlas.toml that it is puts it."""
    if path.suffix == ".toml":
        config = load(path)
        return config.path(config.output.site)
    return path


def opened(path: str | PathLike[str]) -> Atlas:
    """The atlas of a site, or of an atlas.toml."""
    return Atlas(site_of(Path(path)))


class Atlas:
    """An atlas, as it is published.

    `atlas["features.3:17"]` is a unit, `atlas.layers["features.3"]` a layer, and
    `atlas.frame()` a table of all units.

    Attributes:
        folder: of the site.
        catalogue: what its atlas.json says.
        layers: by name, from first to last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.catalogue = Catalogue.model_validate_json((folder / FILE).read_bytes())
        except OSError as error:
            raise SiteError(
                f"{folder} holds no {FILE} that can be read: {said(error)}.",
                "Name the folder of a rendered atlas; `lamella render CONFIG` writes it.",
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            raise SiteError(
                f"{folder / FILE} is not as it should be: "
                f"{'.'.join(map(str, first['loc']))}: {first['msg']}.",
                "Render it again with this version of lamella, or use the version that wrote it.",
            ) from error
        self.layers = {entry.name: Layer(self, entry) for entry in self.catalogue.layers}

    def __getitem__(self, name: str) -> Unit:
        channels = {layer.name: len(layer) for layer in self.layers.values()}
        unit = unit_named(name, channels, str(self.folder))
        return self.layers[unit.layer][unit.channel]

    def __iter__(self) -> Iterator[Unit]:
        return (unit for layer in self.layers.values() for unit in layer)

    def __len__(self) -> int:
        return sum(map(len, self.layers.values()))

    def __repr__(self) -> str:
        name = self.catalogue.network.name
        return f"<atlas of {name}: {len(self.layers)} layers, {len(self)} units>"

    @property
    def citation(self) -> Citation:
        """How the atlas is cited."""
        return citation(self.catalogue.about(), self.catalogue.network)

    def frame(self) -> pd.DataFrame:
        """All units, a row each, by identifier."""
        return frames.joined([layer.frame() for layer in self.layers.values()])

    def path(self, address: str) -> Path:
        """Where a file of the site lies.

        Raises:
            SiteError: it is not of the site.
        """
        path = self.folder / address
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise SiteError(f"{self.folder / FILE} names a file outside of the site: {address}.")
        return path


class Layer:
    """A layer: a sequence of units."""

    def __init__(self, atlas: Atlas, entry: LayerEntry) -> None:
        self.atlas, self.entry = atlas, entry
        self.name, self.kind = entry.name, entry.kind

    def __len__(self) -> int:
        return self.entry.channels

    def __getitem__(self, channel: int) -> Unit:
        return Unit(self, range(len(self))[channel])

    def __iter__(self) -> Iterator[Unit]:
        return (self[channel] for channel in range(len(self)))

    def __repr__(self) -> str:
        return f"<layer {self.name}: {self.kind}, {len(self)} units>"

    @cached_property
    def _columns(self) -> dict[str, list[str]]:
        """The columns of units.csv."""
        path = self.atlas.path(self.entry.units)
        try:
            with path.open(encoding="utf-8", newline="") as file:
                head, *rows = csv.reader(file)
        except (OSError, ValueError) as error:
            raise SiteError(f"Cannot read {path}: {said(error)}.", "Render it again.") from error
        if len(rows) != len(self) or any(len(row) != len(head) for row in rows):
            raise SiteError(f"{path} has not a row for each unit.", "Render it again.")
        return dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))

    @cached_property
    def numbers(self) -> Mapping[str, NDArray[np.float64]]:
        """What is known of the units, a value each, by name; NaN where it is not known."""
        return {
            name: np.array([float(text) if text else np.nan for text in column])
            for name, column in self._columns.items()
            if name not in ("channel", *TEXT)
        }

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that its units stand for; () where they are none."""
        return tuple(map(text_of, self._columns.get("class", ())))

    def frame(self) -> pd.DataFrame:
        """Its units, a row each, by identifier."""
        known: dict[str, Any] = {"layer": self.name, "channel": np.arange(len(self))}
        known |= {"class": self.classes} if self.classes else {}
        return frames.frame({**known, **self.numbers}, [unit.identifier for unit in self])


class Unit:
    """A unit: its picture, its dataset examples and its numbers; shows itself in a notebook."""

    def __init__(self, layer: Layer, channel: int) -> None:
        self.layer, self.channel = layer, channel
        self._named = Named(layer.name, channel)
        self.name = str(self._named)

    def __repr__(self) -> str:
        return f"<unit {self.name} of {self.layer.atlas.catalogue.network.name}>"

    def _repr_html_(self) -> str:
        title = f"{self.name} ({self.class_name})" if self.class_name else self.name
        return notebook.shown(title, self.picture, self.examples, self.numbers)

    @property
    def class_name(self) -> str:
        """The class that it stands for; "" for none."""
        return self.layer.classes[self.channel] if self.layer.classes else ""

    @property
    def identifier(self) -> str:
        """Network, weights and unit in one name."""
        network = self.layer.atlas.catalogue.network
        return links.identifier(network.name, network.digest, self._named)

    @property
    def citation(self) -> Citation:
        """How it is cited."""
        catalogue = self.layer.atlas.catalogue
        return citation(catalogue.about(), catalogue.network, self._named)

    @property
    def page(self) -> Path:
        """The file of its page."""
        return self._path(self.layer.entry.unit_page)

    @property
    def numbers(self) -> dict[str, float]:
        """What is known of it, by name."""
        every = {name: float(column[self.channel]) for name, column in self.layer.numbers.items()}
        return {name: value for name, value in every.items() if not np.isnan(value)}

    @property
    def picture(self) -> Image.Image | None:
        """Its feature visualization; None where there is none."""
        return self.pictures(PICTURE[1])[0] if self.pictures(PICTURE[1]) else None

    @property
    def examples(self) -> list[Image.Image]:
        """The patches of images that activate it most, strongest first; [] where not published."""
        number = int(self.numbers.get("examples", 0))
        name = "distinct" if "distinct" in self.layer.entry.pictures else PATCHES[1]
        return self.pictures(name)[:number]

    def pictures(self, name: str) -> list[Image.Image]:
        """Its pictures of a name that `layer.entry.pictures` lists; all cells of a sheet."""
        listed = self.layer.entry.pictures.get(name)
        path = self._path(listed.path) if listed else None
        if listed is None or path is None or not path.is_file():
            return []
        with Image.open(path, formats=("WEBP",)) as opened:
            sheet = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
        size = listed.width, listed.height
        corners = [
            (column * size[0], row * size[1])
            for row in range(listed.rows)
            for column in range(listed.columns)
        ]
        return [sheet.crop((x, y, x + size[0], y + size[1])) for x, y in corners]

    def _path(self, address: str) -> Path:
        return self.layer.atlas.path(address.replace(CHANNEL, str(self.channel)))
