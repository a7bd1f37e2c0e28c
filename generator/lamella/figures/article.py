"""A page of its own that a panel writes on the whole network, without a word of HTML.

Flow: store -> analyses' `articles` -> **article** -> network_sections. It becomes
`<network>/<slug>.html`.
"""

from dataclasses import dataclass

from lamella.figures import Cell, Figure


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an article: its heading, paragraphs of plain text, and figures below them."""

    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """A page on the whole network.

    Attributes:
        slug: its address, which is a promise: small letters, digits and dashes.
        title: its heading, and what links to it are called.
        lead: one or two sentences on what the reader will find.
        parts: in order; an article without any is left out.
        listed: whether the network's page leads to it; otherwise another article does.
        above: the article that leads to it, for the way back at its top.
        before, after: its neighbours, to which the arrow keys lead.
    """

    slug: str
    title: str
    lead: str
    parts: tuple[Part, ...]
    listed: bool = True
    above: Cell | None = None
    before: Cell | None = None
    after: Cell | None = None
