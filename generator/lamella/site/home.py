"""The pages of a site that are of no layer: home, network, about, and what static hosts look for.

Flow: facts + the layers' notes -> drawing, diagram -> **home** -> pages.
"""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from lamella.diagram.diagram import diagram
from lamella.figures import Picture, links
from lamella.figures.article import GROUPS, METHODS, OVERVIEWS, Card
from lamella.site import overview
from lamella.site.citation import absolute
from lamella.site.drawing import Drawing
from lamella.site.network_sections import NetworkSections
from lamella.site.publish import Note, Write
from lamella.store.facts import Atlas

FIRST = 8  # cards on the home page
SITEMAP_LIMIT = 50_000  # addresses, by the protocol


def write_home(
    drawing: Drawing,
    write: Write,
    notes: Mapping[str, Note],
    of_network: NetworkSections,
) -> Note:
    """Write them, with what panels show of the network."""
    network, atlas, about = drawing.network, drawing.atlas, drawing.about
    computed = sum(note["pictures"] for note in notes.values())
    cards = _cards(atlas, of_network.cards)
    hero = next((c for c in of_network.cards if c.group == OVERVIEWS and c.picture), None)
    path = links.network_page(network.name)
    write(
        path,
        drawing.page(
            "network.html.j2",
            path,
            diagram=diagram(network.layers),
            strips={name: note["strip"] for name, note in notes.items()},
            computed=computed,
            sections=[Markup(section) for section in of_network.sections],
            groups=[(group, own) for group, own in cards.items() if own],
        ),
    )
    write(
        "index.html",
        drawing.page(
            "home.html.j2",
            "index.html",
            computed=computed,
            cards_shown=[card for own in cards.values() for card in own if card.picture][:FIRST],
            hero=hero,
            **_units(atlas, notes, band=hero is None),
        ),
    )
    write(
        links.ABOUT,
        drawing.page(
            "about.html.j2",
            links.ABOUT,
            panels=drawing.panels,
            computed=computed,
            sections=[Markup(section) for section in of_network.about],
        ),
    )
    write("404.html", drawing.page("404.html.j2", "404.html"))
    write(".nojekyll", b"")
    if absolute(about.site_url, ""):
        pages = ["index.html", links.ABOUT, path]
        pages += [links.map_page(network.name)] if "embedding" in atlas.keys else []
        pages += of_network.articles
        pages += [links.layer_page(network.name, layer.name) for layer in network.layers]
        pages += [links.unit_page(network.name, unit) for unit in atlas.units]
        addresses = [absolute(about.site_url, page) for page in pages[:SITEMAP_LIMIT]]
        write("sitemap.xml", drawing.page("sitemap.xml.j2", "sitemap.xml", addresses=addresses))
    return {}


def _cards(atlas: Atlas, cards: Sequence[Card]) -> dict[str, list[Card]]:
    """The cards by group, with one for the map of all units."""
    groups: dict[str, list[Card]] = {group: [] for group in GROUPS}
    for one in cards:
        groups[one.group if one.group in groups else METHODS].append(one)
    if (whole := atlas.of_units("embedding")) is not None and overview.placements(whole):
        name = atlas.network.name
        shown = Picture(links.map_picture(name), "", *overview.MAP)
        line = "All units, near each other where they respond to the same images."
        card = Card(links.map_page(name), "Map of all units", line, OVERVIEWS, shown)
        groups[OVERVIEWS].append(card)
    return groups


def _units(atlas: Atlas, notes: Mapping[str, Note], *, band: bool) -> dict[str, object]:
    """The units that the home page shows: some to start with, and a band of many if need be."""
    start = overview.telling(atlas, notes)
    return {
        "band": overview.best(atlas, notes) if band else (),
        "start": [(unit, notes[unit.layer]["labels"][unit.channel]) for unit in start],
        "sizes": {name: note["size"] for name, note in notes.items()},
    }
