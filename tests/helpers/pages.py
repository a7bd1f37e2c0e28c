"""Rendered pages: read back, and made of hostile names."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from helpers.fake_atlas import ABOUT, Fake
from lamella.site.citation import About
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


def atlas_of(texts: Callable[[], str], root: Path) -> tuple[About, Atlas]:
    """A small atlas all of whose strings are given, and what its pages say of it.

    Args:
        texts: a string at each call; those of names are made to differ.
    """
    fake = Fake(
        layers=[(f"{texts()}{at}", 2) for at in range(3)],
        network=texts() or "n",
        source=texts(),
        labels=[texts() for _ in range(4)],
        skipped=[(texts(), texts())],
        classes=[texts(), texts()],
        side=32,
        photographs=8,
        variety=2,
    )
    about = About(
        title=texts() or "t",
        description=texts(),
        authors=(texts(), texts()),
        licence=texts(),
        credits=texts(),
        site_url=f"https://atlas.example/{texts()}",
        version="0",
    )
    return about, fake.write(root)


VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}


class Strict(HTMLParser):
    """A page whose every element is closed where it should be; what is wrong with it is told.

    Attributes:
        seen: every tag with each of its attributes.
        wrong: what no valid page has.
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self.seen: set[tuple[str, str]] = set()
        self.wrong: list[str] = []
        self._open: list[str] = []
        self._ids: set[str] = set()
        self._data = False  # whether the last script is a block of data
        self.feed(page)
        self.close()
        self.wrong += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.seen |= {(tag, name) for name in ["", *names]}
        found = dict(attrs)
        if len(names) != len(found):
            self.wrong.append(f"<{tag}> has an attribute twice: {names}")
        if (own := found.get("id")) is not None:
            if own in self._ids or not own or re.search(r"\s", own):
                self.wrong.append(f"id {own!r}")
            self._ids.add(own)
        if tag == "script":
            self._data = found.get("type") == "application/ld+json"
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"] and data.strip():
            if self._data:
                json.loads(data)
            else:
                self.wrong.append("a script in the page")
        if "<" in data or "\x00" in data or "\ufffe" in data:
            self.wrong.append(f"bare text {data[:40]!r}")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"a comment {data[:40]!r}")


class Scan(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
