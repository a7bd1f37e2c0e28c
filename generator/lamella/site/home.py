"""The pages of a site that are of no layer: home, network, about, and what static hosts look for.

Flow: facts + the layers' notes -> drawing -> **home** -> pages.
"""

from collections.abc import Mapping

from markupsafe import Markup

from lamella.figures import links
from lamella.figures.published import thumbnail
from lamella.network.units import Unit
from lamella.site import overview
from lamella.site.citation import absolute
from lamella.site.drawing import Drawing
from lamella.site.network_sections import NetworkSections
from lamella.site.publish import Note, Write

STRIP = 16  # thumbnails per layer on the network's page
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
    strips = {
        layer.name: [
            (channel, thumbnail(atlas, Unit(layer.name, channel)))
            for channel in overview.spread(layer.channels, STRIP)
        ]
        for layer in network.layers
    }
    sizes = {name: note["size"] for name, note in notes.items()}
    done = {name: note["pictures"] for name, note in notes.items()}
    path = links.network_page(network.name)
    write(
        path,
        drawing.page(
            "network.html.j2",
            path,
            strips=strips,
            computed=computed,
            done=done,
            sections=[Markup(section) for section in of_network.sections],
            articles=[said for *said, listed in of_network.articles if listed],
        ),
    )
    band = overview.best(atlas, notes)
    write(
        "index.html",
        drawing.page(
            "home.html.j2",
            "index.html",
            band=band,
            sizes=sizes,
            strips=strips,
            computed=computed,
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
        pages += [page for page, *_ in of_network.articles]
        pages += [links.layer_page(network.name, layer.name) for layer in network.layers]
        pages += [links.unit_page(network.name, unit) for unit in atlas.units]
        addresses = [absolute(about.site_url, page) for page in pages[:SITEMAP_LIMIT]]
        write("sitemap.xml", drawing.page("sitemap.xml.j2", "sitemap.xml", addresses=addresses))
    return {}
