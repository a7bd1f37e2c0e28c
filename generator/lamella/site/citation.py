"""How an atlas and its units are cited: BibTeX, and absolute addresses where there are any; and
links to the papers that pages cite.

Flow: facts -> **citation** -> pages.
"""

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from lamella.figures import links
from lamella.network.description import Network
from lamella.network.units import Unit

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIAL |= {sign: f"\\{sign}" for sign in "&%$#_{}"}
_PAPER = re.compile(r"\b(doi|arXiv):(?:10\.\d{4,9}/[\w.()/:-]+|\d{4}\.\d{4,5}\b)", re.ASCII)
_WHERE = {"doi": "doi.org", "arXiv": "arxiv.org/abs"}
_TABLE = str.maketrans(_SPECIAL)


def tex(text: str) -> str:
    """Text with TeX's special characters escaped, on one line."""
    return " ".join(text.translate(_TABLE).split())


@dataclass(frozen=True, slots=True)
class Citation:
    """What a page tells readers to cite.

    Attributes:
        identifier: network, weights and unit in one name.
        bibtex: the entry.
        url: the absolute address; "" where the atlas does not know where it is published.
    """

    identifier: str
    bibtex: str
    url: str


def papers(text: str) -> str:
    """Text in which the identifiers of papers, `doi:10.23915/distill.00007` and `arXiv:1610.02391`,
    are links; everything else of it is escaped where it is shown."""
    if "doi:" not in text and "arXiv:" not in text:
        return text
    found = Markup("")
    end = 0
    for named in _PAPER.finditer(text):
        start, stop = named.span()
        while text[stop - 1] in ".;," or (
            text[stop - 1] == ")" and text.count("(", start, stop) < text.count(")", start, stop)
        ):
            stop -= 1
        name = text[start:stop]
        where = f"https://{_WHERE[named[1]]}/{name.partition(':')[2]}"
        found += escape(text[end:start]) + Markup('<a href="{}">{}</a>').format(where, name)
        end = stop
    return found + escape(text[end:])


def absolute(site_url: str, path: str) -> str:
    """The absolute address of a page; "" unless the site's own is http or https."""
    if not re.match(r"https?://[^\s\"'<>]+\Z", site_url):
        return ""
    return f"{site_url.rstrip('/')}/{path}"


def citation(
    title: str, authors: tuple[str, ...], site_url: str, network: Network, unit: Unit | None = None
) -> Citation:
    """The citation of a unit, or without one of the atlas."""
    path = links.unit_page(network.name, unit) if unit else "index.html"
    pinned = f"{network.name}@{network.digest[:12]}"
    identifier = links.identifier(network.name, network.digest, unit) if unit else pinned
    url = absolute(site_url, path)
    key = re.sub(r"[^A-Za-z0-9]+", "-", identifier).strip("-")[:120]
    lines = [("title", f"{title}: {unit}" if unit else title)]
    if authors:
        lines.append(("author", " and ".join(authors)))
    lines.append(("note", identifier))
    entry = [f"  {name} = {{{tex(value)}}}," for name, value in lines]
    if url:
        entry.append(f"  url = {{{url}}},")
    return Citation(identifier, "\n".join([f"@misc{{{key},", *entry, "}"]), url)
