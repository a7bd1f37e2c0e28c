"""What a figure for a paper shows of some units: a row each, with what it is and whose it is.

Flow: store -> facts -> **figure** -> plate. Only what the pages show: what stays private there
stays private here. Imports no torch.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from lamella.analyses.dataset_examples.stored import PANEL as EXAMPLES
from lamella.analyses.dataset_examples.stored import examples
from lamella.analyses.feature_visualization.stored import PANEL as VISUALIZATION
from lamella.analyses.feature_visualization.stored import visualization
from lamella.analyses.weights import stored as weights
from lamella.config.visible import visible
from lamella.figures import Picture, links, short
from lamella.figures.format import times
from lamella.figures.published import patches_shown
from lamella.network.units import Unit
from lamella.site.citation import About, absolute
from lamella.store.facts import Atlas, LayerFacts

INPUTS = 3  # of either sign


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture in a figure; `sharp` where its pixels are to be seen."""

    image: Image.Image
    sharp: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """One of a unit's strongest inputs: its name, its weights, and its visualization if known."""

    name: str
    total: str
    weights: Shown
    picture: Shown | None


@dataclass(frozen=True, slots=True)
class Row:
    """A unit.

    Attributes:
        picture: its feature visualization.
        examples: the patches that activate it most, strongest first.
        no_examples: why there are none.
        kernel: its weights as a picture, of a first layer.
        inputs: of a deeper one, those that excite it and those that inhibit it.
    """

    title: str
    caption: str
    picture: Shown | None
    examples: tuple[Shown, ...]
    no_examples: str
    kernel: Shown | None
    inputs: tuple[tuple[Input, ...], tuple[Input, ...]]


class Rows:
    """Makes the rows; reads each layer once.

    Args:
        atlas: as it is published.
        most: dataset examples a row.
    """

    def __init__(self, atlas: Atlas, most: int) -> None:
        self.atlas, self.most = atlas, most
        self._facts: dict[str, LayerFacts] = {}

    def of(self, unit: Unit) -> Row:
        """The row of a unit."""
        facts, channel = self._layer(unit.layer), unit.channel
        network = self.atlas.network
        made = visualization(facts, channel)
        found = examples(facts, channel)
        patches = found.shown[: self.most] if found else ()
        kernel = weights.kernel(facts, channel) if weights.in_colour(facts) else None
        classes = network.class_names(facts.layer)
        title = links.identifier(network.name, network.digest, unit)
        return Row(
            title=visible(f"{title} ({classes[channel]})" if classes else title),
            caption=self._caption(facts, channel, made.activation if made else None),
            picture=_cut(facts, channel, VISUALIZATION, made.picture) if made else None,
            examples=tuple(_cut(facts, channel, EXAMPLES, each.patch) for each in patches),
            no_examples=_why(facts, channel) if self.most and not patches else "",
            kernel=_cut(facts, channel, weights.PANEL, kernel) if kernel else None,
            inputs=((), ()) if weights.in_colour(facts) else self._inputs(facts, channel),
        )

    def _layer(self, layer: str) -> LayerFacts:
        if layer not in self._facts:
            named = {each.name: each for each in self.atlas.network.layers}
            self._facts[layer] = self.atlas.layer(named[layer])
        return self._facts[layer]

    def _inputs(
        self, facts: LayerFacts, channel: int
    ) -> tuple[tuple[Input, ...], tuple[Input, ...]]:
        exciting, inhibiting = weights.inputs(facts, channel)
        return (
            tuple(self._input(facts, channel, each) for each in exciting[:INPUTS]),
            tuple(self._input(facts, channel, each) for each in inhibiting[:INPUTS]),
        )

    def _input(self, facts: LayerFacts, channel: int, one: weights.Input) -> Input:
        known = [unit for unit in one.units if unit.layer in self.atlas.offsets]
        picture = None
        if known:
            of = self._layer(known[0].layer)
            made = visualization(of, known[0].channel)
            picture = _cut(of, known[0].channel, VISUALIZATION, made.picture) if made else None
        kernel = _cut(facts, channel, weights.PANEL, one.kernel)
        return Input(visible(one.name), f"{one.total:+.2g}".replace("-", "−"), kernel, picture)

    def _caption(self, facts: LayerFacts, channel: int, made: float | None) -> str:
        """The numbers of a unit, in a line."""
        field, maximum = facts.layer.field, facts.maximum(channel)
        words = []
        if maximum is not None:
            words.append(f"{short(maximum)} in {facts.photographs} images")
        if made is not None:
            more = f" ({times(made / maximum)})" if maximum is not None and maximum > 0 else ""
            words.append(f"{short(made)} on the feature visualization{more}")
        seen = f"Receptive field {field.size} px." if field else "Receptive field: the whole image."
        return f"{seen} Largest activation: {', '.join(words)}." if words else seen


def source_line(about: About, atlas: Atlas) -> str:
    """Whose a figure is: the atlas and its licence, and that images have their own."""
    by = f" by {', '.join(about.authors)}" if about.authors else ""
    year = f" ({about.year})" if about.year else ""
    licence = f", {about.licence}" if about.licence else ""
    where = absolute(about.site_url, links.ABOUT)
    images = "" if atlas.publish == "none" else " Images keep their own licences"
    images += f": {where}" if images and where and about.credits else "." if images else ""
    return visible(f"From {about.title}{by}{year}{licence}.{images}")


def _why(facts: LayerFacts, channel: int) -> str:
    """Why there are no examples of a unit."""
    if not patches_shown(facts):
        return "images are not published"
    return "no image activates it" if facts.silent(channel) else "no examples"


def _cut(facts: LayerFacts, channel: int, panel: str, picture: Picture) -> Shown:
    """The pixels of a picture that the pages show of a unit: the cell that is meant."""
    network, unit = facts.network.name, Unit(facts.layer.name, channel)
    (content,) = (
        stored[channel]
        for name, stored in facts.of(panel).pictures.items()
        if links.unit_picture(network, unit, name) == picture.src
    )
    image: Image.Image = Image.open(io.BytesIO(content), formats=("WEBP",))
    if picture.cell is not None:
        row, column = divmod(picture.cell, picture.columns)
        left, top = column * picture.width, row * picture.height
        image = image.crop((left, top, left + picture.width, top + picture.height))
    return Shown(image.convert("RGBA"), picture.pixelated)


def rows_of(atlas: Atlas, units: Sequence[Unit], most: int) -> tuple[Row, ...]:
    """The rows of some units."""
    rows = Rows(atlas, most)
    return tuple(rows.of(unit) for unit in units)
