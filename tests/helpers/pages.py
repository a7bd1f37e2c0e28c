"""Rendered pages: read back, and made of hostile names."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from helpers.fake_atlas import ABOUT, Fake
from lamella.store.facts import Atlas


def fresh(atlas: Atlas) -> Atlas:
    """The same atlas, opened anew."""
    return Atlas(atlas.network, atlas.manifest, atlas.store, atlas.keys, atlas.publish)


def written(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and ".lamella" not in path.parts
    }


HOSTILE = (
    '"><script>alert(1)</script>',
    "../../etc/passwd",
    "javascript:alert(1)",
    "\u202egnp.exe\x00\x1b[31m",
    "x" * 500,
    "{{ 7 * 7 }}{% include 'layouts/base.html.j2' %}",
    "</script><img src=x onerror=alert(1)>",
    "con",
)


def hostile(root: Path) -> Atlas:
    fake = Fake(
        layers=tuple((name, 2) for name in HOSTILE),
        network='net"><script>alert(1)</script>',
        source=HOSTILE[6],
        labels=HOSTILE,
        skipped=tuple((name, name) for name in HOSTILE),
        classes=HOSTILE[:2],
        side=32,
        photographs=14,
    )
    return fake.write(root)


HOSTILE_ABOUT = replace(
    ABOUT,
    title=HOSTILE[0],
    description=HOSTILE[6],
    authors=(HOSTILE[3], HOSTILE[5]),
    licence=HOSTILE[2],
    credits="\n".join(HOSTILE),
)


class Scan(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
