"""What stands beside the pages for programs: atlas.json, its schema, and units.csv of each layer.

Flow: facts -> **catalogue** -> drawing; atlas.json -> **catalogue** -> exports. The models are
what is written, what is read again, and the schema. site/docs/data.md describes them.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lamella.analyses.panel import Panel
from lamella.config.visible import visible
from lamella.figures import links
from lamella.figures.published import withheld
from lamella.network.units import Layer, Unit
from lamella.site.citation import About, absolute
from lamella.store.facts import Atlas, LayerFacts

FILE, SCHEMA = "atlas.json", "atlas.schema.json"
TEXT = ("identifier", "class")  # columns of units.csv that hold no numbers
CHANNEL = "{channel}"  # in an address, where the number of the unit goes
# How a spreadsheet tells a formula; a cell of text that begins so gets an apostrophe before it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Pictures(_Model):
    """Pictures of a layer's units that have one name: one file for each unit that has one."""

    analysis: str = Field(description="What made them.")
    path: str = Field(description="From the site's top; {channel} stands for the unit's number.")
    width: int = Field(description="Pixels of the picture, or of each cell of a sheet.")
    height: int = Field(description="Likewise.")
    columns: int = Field(description="Cells of a sheet in a row; 1 for a single picture.")
    rows: int = Field(description="Rows of a sheet.")


class LayerEntry(_Model):
    """A layer."""

    name: str
    kind: str = Field(description='"convolution", "linear" and the like.')
    channels: int = Field(description="How many units it has; they are numbered from 0.")
    height: int = Field(description="Positions of its output.")
    width: int = Field(description="Likewise.")
    receptive_field: tuple[int, int] | None = Field(
        description="Rows and columns in pixels; null where it is the whole image."
    )
    activation: str | None = Field(description="The activation function behind it.")
    page: str = Field(description="From the site's top, as all addresses.")
    unit_page: str = Field(description="{channel} stands for the unit's number.")
    units: str = Field(description="The table of its units, units.csv.")
    pictures: dict[str, Pictures] = Field(description="What pictures its units have, by name.")


class NetworkEntry(_Model):
    """The network."""

    name: str
    source: str = Field(description="Where it came from, torchvision:resnet18 say.")
    digest: str = Field(description="SHA-256 of its weights.")
    parameters: int
    size: tuple[int, int] = Field(description="Height and width of its input, in pixels.")
    page: str
    classes: tuple[str, ...] = Field(description="Names of its outputs; empty where unknown.")


class Catalogue(_Model):
    """An atlas: what it is of, and where everything lies."""

    format: Literal[1] = Field(description="Raised when a program could misread what follows.")
    lamella: str = Field(description="The version that wrote it.")
    title: str
    description: str
    authors: tuple[str, ...]
    licence: str = Field(description="Of the atlas' own text and pictures.")
    date: str = Field(description='Of publication, a day or a year; "" for none stated.')
    version: str = Field(description="The atlas' own.")
    site_url: str = Field(description='Where it is published; "" for nowhere known.')
    publish: str = Field(description="What of the images may be shown: whole, patches or none.")
    images: int = Field(description="How many were surveyed.")
    network: NetworkEntry
    layers: tuple[LayerEntry, ...]

    def about(self) -> About:
        """What the pages say of the atlas."""
        return About(
            title=self.title,
            description=self.description,
            authors=self.authors,
            licence=self.licence,
            date=self.date,
            release=self.version,
            site_url=self.site_url,
            publish=self.publish,
            version=self.lamella,
        )


def catalogue(about: About, atlas: Atlas, pictures: Mapping[str, Mapping[str, Any]]) -> Catalogue:
    """The catalogue of an atlas.

    Args:
        pictures: of each layer, what `pictures_of` says.
    """
    network = atlas.network
    return Catalogue(
        format=1,
        lamella=about.version,
        title=about.title,
        description=about.description,
        authors=about.authors,
        licence=about.licence,
        date=about.date,
        version=about.release,
        site_url=about.site_url if absolute(about.site_url, "") else "",
        publish=atlas.publish,
        images=len(atlas.manifest.photographs) - len(atlas.manifest.skipped),
        network=NetworkEntry(
            name=network.name,
            source=network.source,
            digest=network.digest,
            parameters=network.parameters,
            size=network.size,
            page=links.network_page(network.name),
            classes=network.classes,
        ),
        layers=tuple(_entry(network.name, layer, pictures[layer.name]) for layer in network.layers),
    )


def _entry(network: str, layer: Layer, pictures: Mapping[str, Any]) -> LayerEntry:
    field = layer.field
    return LayerEntry(
        name=layer.name,
        kind=layer.kind,
        channels=layer.channels,
        height=layer.height,
        width=layer.width,
        receptive_field=(field.rows.size, field.columns.size) if field else None,
        activation=layer.activation,
        page=links.layer_page(network, layer.name),
        unit_page=_of_channel(links.unit_page(network, Unit(layer.name, 0))),
        units=links.units_table(network, layer.name),
        pictures={name: Pictures(**said) for name, said in pictures.items()},
    )


def published(
    facts: LayerFacts, panels: Iterable[Panel]
) -> Iterator[tuple[str, str, Mapping[int, bytes]]]:
    """The pictures of a layer's units that have addresses of their own: analysis, name, pictures
    by channel."""
    for panel in panels:
        for name, stored in facts.of(panel.name).pictures.items():
            if stored and not (withheld(facts, panel.name, name) or name.startswith("thumb")):
                yield panel.name, name, stored


def pictures_of(facts: LayerFacts, panels: Iterable[Panel]) -> dict[str, dict[str, Any]]:
    """The pictures that are published of a layer's units, by name, as `Pictures` has them."""
    found = {}
    for analysis, name, _ in published(facts, panels):
        path = links.unit_picture(facts.network.name, Unit(facts.layer.name, 0), name)
        sheet = asdict(facts.of(analysis).sheets[name])
        pictures = Pictures(analysis=analysis, path=_of_channel(path), **sheet)
        found[name] = pictures.model_dump()
    return found


def _of_channel(path: str) -> str:
    """The address of unit 0 as that of any unit."""
    folder, _, file = path.rpartition("/")
    return f"{folder}/{CHANNEL}{file.removeprefix('0')}"


def json_of(entry: Catalogue) -> bytes:
    """atlas.json."""
    plain = {"$schema": SCHEMA, **entry.model_dump(mode="json")}
    return (json.dumps(plain, indent=1) + "\n").encode()


def schema() -> bytes:
    """The JSON schema of atlas.json."""
    plain = Catalogue.model_json_schema()
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return (json.dumps({"$schema": dialect, **plain}, indent=1) + "\n").encode()


def units_table(facts: LayerFacts, panels: Iterable[Panel]) -> bytes:
    """units.csv: a row for each unit of a layer; what is not known is left empty."""
    network, layer = facts.network, facts.layer
    classes = network.class_names(layer)
    columns: dict[str, Sequence[float]] = {}
    if layer.field:
        columns["receptive_field"] = [layer.field.size] * layer.channels
    for panel in panels:
        columns |= {name: found.tolist() for name, found in panel.columns(facts).items()}
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["channel", "identifier", *(["class"] if classes else []), *columns])
    for unit in layer.units:
        words = [links.identifier(network.name, network.digest, unit)]
        words += [classes[unit.channel]] if classes else []
        numbers = [_number(values[unit.channel]) for values in columns.values()]
        table.writerow([unit.channel, *map(cell, words), *numbers])
    return text.getvalue().encode()


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else ""


def cell(text: str) -> str:
    """A text in a table that no spreadsheet takes for a formula."""
    plain = visible(text)
    return f"'{plain}" if plain.startswith(_FORMULA) else plain


def text_of(written: str) -> str:
    """The text of a cell, as it was."""
    return written.removeprefix("'")
