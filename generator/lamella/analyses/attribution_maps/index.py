"""All photographs whose decisions are explained, each with Grad-CAM of its first answer.

Flow: store -> known -> **index** -> panels/decisions.py. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lamella.analyses.attribution_maps import text as words
from lamella.analyses.attribution_maps.drawing import OF_LINE
from lamella.analyses.attribution_maps.facts import Known
from lamella.analyses.attribution_maps.view import Page
from lamella.attribution.methods import BY_NAME
from lamella.figures import Gallery, Legend, Tile
from lamella.figures.article import Article, Part
from lamella.figures.links import ATTRIBUTION_MAPS


def index(known: Known) -> Article:
    """The page that leads to those of the images."""
    mapped = next((name for name in (OF_LINE, "occlusion") if name in known.had.names), "")
    over = BY_NAME[mapped].title if mapped else ""
    legend = Legend("", signed=mapped == "occlusion", unsigned=mapped == OF_LINE, mixed=True)
    gallery = Gallery("", tuple(_tiles(known, mapped)), size="mixed")
    return Article(
        ATTRIBUTION_MAPS,
        words.TITLE,
        words.LEAD,
        (Part("", words.over(over), (legend, gallery)),),
    )


def _tiles(known: Known, mapped: str) -> Iterator[Tile]:
    for image in known.done:
        page = Page(known, image)
        label = page.photograph.label
        what = f"photograph of “{label}”" if label else "photograph"
        over = page.over(mapped, 0)
        alt = f"A {what}: {page.name}, and where it looked." if over else f"A {what}: {page.name}."
        picture = page.shown(alt)
        if picture is not None:
            detail = words.percent(page.shares[0]) + (f"; label: {label}" if label else "")
            yield Tile(replace(picture, over=over), page.name, detail, page.path)
