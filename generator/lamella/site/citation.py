"""What an atlas says of itself, how it and its units are cited, and links to the papers that pages
cite.

Flow: facts -> **citation** -> pages, catalogue, exports.
"""

import json
import re
from dataclasses import dataclass
from typing import Protocol

from markupsafe import Markup, escape

from lamella.figures import links
from lamella.network.units import Unit

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIAL |= {sign: f"\\{sign}" for sign in "&%$#_{}"}
_PAPER = re.compile(r"\b(doi|arXiv):(?:10\.\d{4,9}/[\w.()/:-]+|\d{4}\.\d{4,5}\b)", re.ASCII)
_WHERE = {"doi": "doi.org", "arXiv": "arxiv.org/abs"}
_TABLE = str.maketrans(_SPECIAL)
# Licences by the names that SPDX gives them, which machines know.
_SPDX = re.compile(r"CC0-1\.0|CC-BY(-NC)?(-SA|-ND)?-\d\.\d|MIT|Apache-2\.0|BSD-[23]-Clause")


@dataclass(frozen=True, slots=True)
class About:
    """What the pages say of the atlas itself.

    Attributes:
        credits: whose photographs and weights these are, as plain text.
        date: of publication, a day or a year; "" for none stated.
        release: the atlas' own version.
        site_url: where it will be published; "" for nowhere known.
        publish: what of the images may be shown: "whole", "patches" or "none".
        version: lamella's.
    """

    title: str
    description: str = ""
    authors: tuple[str, ...] = ()
    licence: str = ""
    credits: str = ""
    date: str = ""
    release: str = ""
    site_url: str = ""
    publish: str = "whole"
    version: str = ""

    @property
    def year(self) -> str:
        """Of publication."""
        return self.date[:4]


class Named(Protocol):
    """What a citation says of a network."""

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def digest(self) -> str: ...


def tex(text: str) -> str:
    """Text with TeX's special characters escaped, on one line."""
    return " ".join(text.translate(_TABLE).split())


@dataclass(frozen=True, slots=True)
class Citation:
    """What is told to readers who cite an atlas or a unit.

    Attributes:
        title: of the atlas, and the unit.
        identifier: network, weights and unit in one name.
        key: of the BibTeX entry.
        bibtex: the entry.
        text: the same as a sentence.
        url: the absolute address; "" where the atlas does not know where it is published.
    """

    title: str
    identifier: str
    key: str
    bibtex: str
    text: str
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
    if not re.match(r"https?://[^\s\"'<>{}\\]+\Z", site_url):
        return ""
    return f"{site_url.rstrip('/')}/{path}"


def citation(about: About, network: Named, unit: Unit | None = None) -> Citation:
    """The citation of a unit, or without one of the atlas."""
    path = links.unit_page(network.name, unit) if unit else "index.html"
    pinned = f"{network.name}@{network.digest[:12]}"
    identifier = links.identifier(network.name, network.digest, unit) if unit else pinned
    url = absolute(about.site_url, path)
    title = f"{about.title}: {unit}" if unit else about.title
    key = re.sub(r"[^A-Za-z0-9]+", "-", identifier).strip("-")[:120]
    made = f"{network.name} from {network.source}, weights SHA-256 {network.digest}"
    tool = f"Lamella {about.version}".strip()
    fields = {
        "title": f"{{{tex(title)}}}",  # in braces of its own, so that no style changes its case
        "author": " and ".join(_author(name) for name in about.authors),
        "year": about.year,
        "version": tex(about.release),
        "howpublished": tex(f"Made with {tool}"),
        "note": tex(f"{identifier}: {made}"),
        "url": url,
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    bibtex = "\n".join([f"@misc{{{key},", *lines, "}"])
    who = " ".join(filter(None, [", ".join(about.authors), about.year and f"({about.year})"]))
    what = f"{title}, version {about.release}" if about.release else title
    text = ". ".join(filter(None, [who, what, identifier, f"Made with {tool}"]))
    return Citation(title, identifier, key, bibtex, f"{text}. {url}".rstrip(), url)


def _author(name: str) -> str:
    """An author of a BibTeX entry; one name even where there is an "and" in it."""
    return f"{{{tex(name)}}}" if re.search(r"\band\b", name) else tex(name)


def linked_data(about: About, cited: Citation, picture: str) -> dict[str, object]:
    """What search engines read of a page that can be cited: schema.org's terms.

    Args:
        picture: the absolute address of a picture of it; "" for none.
    """
    said = {
        "name": cited.title,
        "identifier": cited.identifier,
        "url": cited.url,
        "author": list(about.authors),
        "datePublished": about.date,
        "version": about.release,
        "license": about.licence,
        "image": picture,
    }
    known = {name: value for name, value in said.items() if value}
    return {"@context": "https://schema.org", "@type": "CreativeWork", **known}


def citation_file(about: About, network: Named) -> str:
    """CITATION.cff, in version 1.2.0 of its format. JSON's strings are YAML's too."""
    cited = citation(about, network)
    fields: dict[str, object] = {
        "cff-version": "1.2.0",
        "message": "If you use this atlas, please cite it; each unit has an identifier of its own.",
        "type": "dataset",
        "title": about.title,
        "authors": [{"name": name} for name in about.authors],
        "abstract": about.description,
        "version": about.release,
        "date-released": about.date if len(about.date) > 4 else "",
        "license": about.licence if _SPDX.fullmatch(about.licence) else "",
        "url": cited.url,
        "identifiers": [
            {"type": "other", "value": cited.identifier, "description": "network and weights"}
        ],
    }
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items() if value)


def licences(about: About) -> str:
    """LICENCE.txt: what is licensed how, in words."""
    own = about.licence or "none is stated: ask its authors"
    parts = [f"{about.title}\n\nText, numbers and feature visualizations: {own}."]
    if about.publish != "none":
        parts.append("The photographs, and patches of them, keep their own licences.")
    parts.append("The scripts: see assets/licences.txt.")
    return "\n\n".join([*parts, *filter(None, [about.credits.strip()])]) + "\n"
