"""What panels show of a network: their pictures, sections of its page and of the about page,
and articles.

Flow: facts -> `view_network`, `view_about`, `articles` -> **network_sections** -> pages.
What is drawn here may rest on all layers, so each panel's part is a group of its own, renewed only
when what that panel reads has changed: when a layer is finished, the others' shards are not read
again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from lamella.analyses.panel import Panel
from lamella.config.digest import digest_of
from lamella.errors import SiteError
from lamella.figures import Figure, Picture, links
from lamella.figures.article import Card, cover
from lamella.figures.published import network_picture_address
from lamella.site.drawing import Drawing
from lamella.site.publish import Note, Site, Write
from lamella.site.sections import Section, made_of_network
from lamella.store.facts import Atlas

OWN_WAY = "photographs"  # drawn elsewhere: a panel from the beginning, with its own addresses

View = Callable[[Atlas], tuple[Figure, ...]]


class Fingerprints:
    """The fingerprints of what the store holds of each layer, noted while layers are written."""

    def __init__(self, panels: Iterable[Panel]) -> None:
        self._needs = {panel.name: (*panel.needs, *panel.shows) for panel in panels}
        self._found: dict[str, list[str]] = {}

    def note(self, fingerprints: Mapping[str, str]) -> None:
        """Remember a layer: a fingerprint for each panel."""
        for name, fingerprint in fingerprints.items():
            self._found.setdefault(name, []).append(fingerprint)

    def of(self, panel: Panel) -> dict[str, list[str]]:
        """Everything of the layers that a panel may read: its own, what it needs, what it shows."""
        names = reads(panel.name, self._needs)
        return {name: self._found[name] for name in sorted(names & self._found.keys())}


def reads(panel: str, needs: Mapping[str, Sequence[str]]) -> set[str]:
    """A panel, what it needs, what that needs, and so on."""
    found: set[str] = set()
    waiting = [panel]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += needs.get(name, ())
    return found


def write_pictures(drawing: Drawing, site: Site) -> None:
    """The pictures that panels stored for the network as a whole, a group for each panel."""
    atlas = drawing.atlas
    for panel in drawing.panels:
        stored = panel.per == "network" and panel.name in atlas.keys
        if not stored or panel.name == OWN_WAY or panel.name in atlas.withheld:
            continue
        folder = atlas.store.folder(panel.name, atlas.keys[panel.name])
        shown = network_picture_address(atlas, panel.name, "", 0), sorted(atlas.withheld)
        inputs = digest_of([shown, folder.fingerprint])

        def make(write: Write, panel: Panel = panel) -> Note:
            drawing.network_pictures(write, panel)
            return {}

        site.group(f"pictures/{panel.name}", inputs, make)


@dataclass(frozen=True, slots=True)
class NetworkSections:
    """What the pages of the whole network are made of.

    Attributes:
        sections: of the network's page, drawn.
        about: of the about page, drawn.
        articles: the addresses of all.
        cards: what the network's page leads to.
    """

    sections: list[str] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    articles: list[str] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)


def write_sections(
    drawing: Drawing, site: Site, common: str, fingerprints: Fingerprints
) -> NetworkSections:
    """Write the articles; sections are kept as notes until the pages that they are on are written.

    Raises:
        SiteError: two articles have the same address.
    """
    found = NetworkSections()
    for panel in drawing.panels:
        inputs = digest_of([common, fingerprints.of(panel)])
        if type(panel).view_network is not Panel.view_network:

            def section(write: Write, panel: Panel = panel) -> Note:
                page = links.network_page(drawing.network.name)
                return {"html": _section(drawing, panel, panel.view_network, page)}

            note = site.group(f"section/{panel.name}", inputs, section)
            found.sections.extend([note["html"]] if note["html"] else [])
        if type(panel).view_about is not Panel.view_about:

            def about(write: Write, panel: Panel = panel) -> Note:
                return {"html": _section(drawing, panel, panel.view_about, links.ABOUT)}

            note = site.group(f"about/{panel.name}", inputs, about)
            found.about.extend([note["html"]] if note["html"] else [])
        if type(panel).articles is not Panel.articles:

            def pages(write: Write, panel: Panel = panel) -> Note:
                return _articles(drawing, write, panel)

            note = site.group(f"articles/{panel.name}", inputs, pages)
            found.articles.extend(note["articles"])
            found.cards.extend(map(_card, note["cards"]))
    for path in found.articles:
        if found.articles.count(path) > 1:
            raise SiteError(
                f"Two articles have the address {path}.",
                "Each panel must give its articles slugs that no other uses: mend the panel, or "
                "leave it out.",
            )
    return found


def _section(drawing: Drawing, panel: Panel, view: View, path: str) -> str:
    """A panel's section of the page at `path`, which is what `view` gives; "" for none."""
    figures = view(drawing.atlas)
    if not figures:
        return ""
    return drawing.section(Section(panel.name, panel.title, panel.about, figures), path)


def _articles(drawing: Drawing, write: Write, panel: Panel) -> Note:
    """The pages of a panel: their addresses, and the cards of those that are listed."""
    told = [article for article in panel.articles(drawing.atlas) if article.parts]
    made = made_of_network(drawing.atlas, panel)
    paths, cards = [], []
    for article in told:
        path = links.article_page(drawing.network.name, article.slug)
        write(path, drawing.page("article.html.j2", path, article=article, made=made))
        paths.append(path)
        if article.listed:
            line = article.line or article.lead
            cards.append(asdict(Card(path, article.title, line, article.group, cover(article))))
    return {"articles": paths, "cards": cards}


def _card(plain: Note) -> Card:
    """The card that a note holds as plain values."""
    shown = plain["picture"]
    if shown is not None:
        over = shown["over"]
        shown = Picture(**{**shown, "over": Picture(**over) if over else None})
    return Card(**{**plain, "picture": shown})
