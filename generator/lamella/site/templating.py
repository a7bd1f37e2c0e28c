"""Jinja2, set up so that nothing from a network or a data set is ever markup.

Flow: resources, tiles, zoom_data -> **templating** -> drawing. Autoescape is on for every template
(the default leaves `.html.j2` out), an undefined name is an error, and addresses from data pass
`address` first.
"""

import base64
import hashlib
import json
import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import BytecodeCache
from markupsafe import Markup

from lamella.config.visible import UNSEEN, visible
from lamella.figures.format import positions, sees, stated
from lamella.figures.heat import stops
from lamella.figures.histogram import histogram_coordinates
from lamella.figures.line_chart import line_chart_coordinates
from lamella.site import resources
from lamella.site.citation import papers
from lamella.site.tiles import TileFilters
from lamella.site.zoom_data import zoom_data

_PLAIN = bytes(code for code in range(127) if code >= 32 or code in (9, 10, 13))
_PATH = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9@._/-]*\Z")
_DATA = re.compile(r"data:image/(webp|png|jpeg);base64,[A-Za-z0-9+/=]+\Z")


def to_bytes(page: str) -> bytes:
    """A page, encoded; unseen characters are spelled out wherever they came from."""
    content = page.encode("utf-8", "replace")
    # Almost all of a page is plain ASCII, which bytes.translate passes over a hundred times faster
    # than a regular expression would.
    rest = content.translate(None, _PLAIN)
    if not rest or not UNSEEN.search(rest.decode("utf-8")):
        return content
    return visible(content.decode("utf-8")).encode("utf-8")


@lru_cache(maxsize=65536)
def address(path: str) -> str:
    """A path from the site's top if it is a plain one of the site, else ''.

    Schemes, hosts, queries, leading slashes and `..` do not pass; a fragment is percent-encoded.
    """
    path, hash_, place = path.partition("#")
    if not _PATH.match(path) or ".." in path:
        return ""
    return f"{path}#{fragment(place)}" if hash_ else path


def source(path: str, root: str) -> str:
    """Where a picture comes from: the site itself, or the page's own bytes."""
    if path.startswith("data:"):
        return path if _DATA.match(path) else ""
    plain = address(path)
    return root + plain if plain else ""


def as_json(value: object) -> Markup:
    """A value as JSON that is safe wherever its text may end up."""
    plain = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    for sign, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        plain = plain.replace(sign, escape)
    return Markup(plain)


def script(name: str, value: object) -> bytes:
    """A classic script that sets `window[name]`."""
    return f"window.{name}={as_json(value)};\n".encode()


def fragment(name: object) -> str:
    """A name as the part of an address behind `#`."""
    return quote(str(name), safe=":@")


def csp_digest(text: str) -> str:
    """By which a content security policy allows a style that stands in the page."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def thousands(number: int) -> str:
    """A count as people read it: `3,944`."""
    return f"{number:,}"


def kind(figure: object) -> str:
    """The macro that draws a figure, and its file in `templates/figures/`."""
    return type(figure).__name__.lower()


class _Memory(BytecodeCache):
    """Compiled templates for the life of the process, whichever environment asks."""

    kept: dict[str, bytes]

    def __init__(self) -> None:
        self.kept = {}

    def load_bytecode(self, bucket: Any) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Any) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


_CACHE = _Memory()


def environment() -> Environment:
    """The environment of all pages."""
    made = Environment(
        loader=FileSystemLoader(resources.folder("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_CACHE,
        auto_reload=False,
    )
    filters = (
        address,
        as_json,
        csp_digest,
        fragment,
        histogram_coordinates,
        kind,
        line_chart_coordinates,
        papers,
        positions,
        sees,
        stated,
        thousands,
    )
    made.globals["heat"] = stops()  # before the templates that name it are imported
    # Most of a page's pieces are on other pages too: `memo(macro, *arguments)` draws each once.
    made.globals["memo"] = lru_cache(maxsize=16384)(lambda macro, *given: macro(*given))

    def draw(name: str, *given: object) -> str:
        macros = made.get_template(f"figures/{name}.html.j2").module
        return str(getattr(macros, name)(*given))

    filters_of_tiles = TileFilters(draw, source, address)
    made.filters.update(tiles=filters_of_tiles.tiles, picture=filters_of_tiles.picture)
    made.filters["zoom_data"] = lambda figure, root: zoom_data(figure, root, address, visible)
    made.filters.update({function.__name__: function for function in filters})
    return made
