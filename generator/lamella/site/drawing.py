"""The files of a site: which template draws which page from which facts.

Flow: facts -> **drawing** -> pages, which decides what has to be drawn again.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lamella.analyses.panel import Panel
from lamella.figures import links
from lamella.figures.published import PICTURE, network_picture_address, unit_picture
from lamella.network.units import Layer, Unit
from lamella.site import catalogue, overview, resources, sprites
from lamella.site.citation import (
    About,
    absolute,
    citation,
    citation_file,
    licences,
    linked_data,
)
from lamella.site.publish import Note, Write
from lamella.site.sections import Section, Sections, arranged, made
from lamella.site.templating import environment, script, to_bytes
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.gathering import encoded
from lamella.store.slug import slug
from lamella.store.store import Folder


def published(atlas: Atlas, panels: Sequence[Panel]) -> Atlas:
    """An atlas that knows what stays private: which pictures, and names of images."""
    if atlas.publish == "whole":
        return atlas
    private = {panel.name for panel in panels if panel.shows_photographs}
    private |= {f"{panel.name}/{name}" for panel in panels for name in panel.photographic}
    return replace(atlas, withheld=frozenset(private), manifest=atlas.manifest.nameless())


class Drawing:
    """Draws everything of one atlas; each method writes one group of files."""

    def __init__(self, about: About, atlas: Atlas, panels: Sequence[Panel]) -> None:
        self.about, self.panels = about, panels
        atlas = published(atlas, panels)
        pages = {panel.name: found for panel in panels if (found := panel.pages(atlas))}
        self.atlas = atlas = replace(atlas, pages=pages)
        self.network = atlas.network
        self.environment = environment()
        self.environment.globals.update(
            about=about,
            atlas=atlas,
            network=self.network,
            links=links,
            slug=slug,
            mapped="embedding" in atlas.keys,
            identity=citation(about, self.network),
            linked_data=linked_data,
            absolute=absolute,
        )
        self.unit_template = self.environment.get_template("pages/unit.html.j2")
        self.macros: Any = self.environment.get_template("layouts/sections.html.j2").module

    def assets(self, write: Write) -> Note:
        """Style sheet, scripts, icon, licences."""
        for name, content in resources.assets().items():
            write(f"assets/{name}", content)
        return {}

    def photographs(self, write: Write, folder: Folder) -> Note:
        """The whole images, one shard in memory at a time."""
        for note, tensors in folder.shards():
            for _, image, content in encoded(note, tensors):
                write(links.photograph(self.network.name, image), content)
        return {}

    def network_pictures(self, write: Write, panel: Panel) -> None:
        """What a panel drew of the network as a whole, one shard in memory at a time."""
        for note, tensors in self.atlas.store.folder(
            panel.name, self.atlas.keys[panel.name]
        ).shards():
            for name, entry, content in encoded(note, tensors):
                if f"{panel.name}/{name}" not in self.atlas.withheld:
                    write(network_picture_address(self.atlas, panel.name, name, entry), content)

    def sprites(self, write: Write, facts: LayerFacts) -> Note:
        """The sheets of a layer's thumbnails."""
        for number, sheet in enumerate(sprites.sheets(facts)):
            write(links.sprite(self.network.name, facts.layer.name, number), sheet)
        return {}

    def search(self, write: Write, notes: dict[str, Note]) -> Note:
        """What the search script indexes."""
        named = [page for panel in self.panels for page in panel.named_pages(self.atlas)]
        data = script("lamellaSearch", overview.search_data(self.atlas, notes, named))
        write(f"{slug(self.network.name)}/search.js", data)
        return {}

    def page(self, template: str, path: str, **context: Any) -> bytes:
        """A page of the site: `template` is one of `templates/pages/`, `path` its address."""
        root = "../" * path.count("/")
        here = absolute(self.about.site_url, path)
        drawn = self.environment.get_template(f"pages/{template}").render(
            root=root, here=here, **context
        )
        return to_bytes(drawn)

    def section(self, section: Section, path: str) -> str:
        """A panel's part of the page at `path`."""
        return str(self.macros.section(section, "../" * path.count("/")))

    def layer(self, write: Write, facts: LayerFacts) -> Note:
        """The pages and pictures of one layer and its units."""
        layer, network = facts.layer, self.network
        layers = network.layers
        at = layers.index(layer)
        sections = Sections(facts, self.panels)
        words, named = self.words(facts), network.class_names(layer)
        made_by = self.macros.made_by(made(facts, self.panels), network, self.about)
        path = links.layer_page(network.name, layer.name)
        before = layers[at - 1] if at else None
        after = layers[at + 1] if at + 1 < len(layers) else None
        write(
            path,
            self.page(
                "layer.html.j2",
                path,
                layer=layer,
                depth=at + 1,
                before=before,
                after=after,
                sections=sections.of_layer(self.panels),
                sheets=_sheets(layer),
                words=words,
                computed=int(facts.of(PICTURE[0]).present.sum()),
                made=made_by,
            ),
        )
        self.pictures(write, facts)
        write(
            links.units_table(network.name, layer.name), catalogue.units_table(facts, self.panels)
        )
        root = "../" * path.count("/")
        for unit in layer.units:
            parts = arranged(sections.of(unit.channel))
            path = links.unit_page(network.name, unit)
            cited = citation(self.about, network, unit)
            shown = unit_picture(facts, *PICTURE, unit.channel, "")
            drawn = self.unit_template.render(
                root=root,
                here=cited.url,
                layer=layer,
                unit=unit,
                silent=facts.silent(unit.channel),
                word=words[unit.channel].removeprefix(named[unit.channel]).removeprefix(", ")
                if named
                else words[unit.channel],
                parts=parts,
                named=named[unit.channel] if named else "",
                citation=cited,
                picture=shown.src if shown else "",
            )
            write(path, to_bytes(drawn))
        ranked = next((found for p in self.panels if (found := p.best(facts))), ())
        note = overview.layer_note(facts, ranked, words)
        note["strip"], strip = sprites.strip(facts, note["best"])
        if strip:
            write(links.strip(network.name, layer.name), strip)
        return note | {"listed": catalogue.pictures_of(facts, self.panels)}

    def words(self, facts: LayerFacts) -> list[str]:
        """What panels call each unit of a layer; "" where none has a word for it."""
        named = self.network.class_names(facts.layer)
        told = [said for panel in self.panels if (said := panel.labels(facts))]
        told = [named, *told] if named else told
        return [", ".join(filter(None, unit)) for unit in zip(*told, strict=True)] or [
            ""
        ] * facts.layer.channels

    def pictures(self, write: Write, facts: LayerFacts) -> None:
        """The stored pictures of a layer's units, each under its own address."""
        for _, name, stored in catalogue.published(facts, self.panels):
            for channel, content in stored.items():
                unit = Unit(facts.layer.name, channel)
                write(links.unit_picture(self.network.name, unit, name), content)

    def data(self, write: Write, notes: dict[str, Note]) -> Note:
        """What programs read of the atlas, and the files that say how to cite and use it."""
        listed = {name: note["listed"] for name, note in notes.items()}
        found = catalogue.catalogue(self.about, self.atlas, listed)
        write(catalogue.FILE, catalogue.json_of(found))
        write(catalogue.SCHEMA, catalogue.schema())
        write("LICENCE.txt", to_bytes(licences(self.about)))
        if self.about.authors:
            write("CITATION.cff", citation_file(self.about, self.network).encode())
        return {}

    def methods(self, write: Write) -> Note:
        """What each analysis is: said once, and not on every page."""
        told = [panel for panel in self.panels if panel.about]
        path = links.methods_page(self.network.name)
        write(path, self.page("methods.html.j2", path, panels=told))
        return {}

    def map(self, write: Write) -> Note:
        """The map of all units and its data."""
        path = links.map_page(self.network.name)
        whole = self.atlas.of_units("embedding")
        if whole is None:
            return {}
        places = overview.placements(whole)
        placed = int((next(iter(places.values()))[:, 0] > 0).sum()) if places else 0
        still = overview.still(self.atlas, next(iter(places.values()))) if places else []
        write(
            path,
            self.page(
                "map.html.j2",
                path,
                placed=placed,
                places=list(places),
                still=still,
                colours=overview.hues(self.atlas),
            ),
        )
        picture = overview.map_picture(self.atlas, next(iter(places.values()))) if places else None
        if picture is not None:
            write(links.map_picture(self.network.name), picture)
        data = script("lamellaMap", overview.map_data(self.atlas, places))
        write(path.replace("map.html", "map-data.js"), data)
        return {}


def _sheets(layer: Layer) -> list[range]:
    """The channels of a layer, as they lie on its sprite sheets."""
    step = sprites.PER_SHEET
    return [
        range(first, min(first + step, layer.channels)) for first in range(0, layer.channels, step)
    ]
