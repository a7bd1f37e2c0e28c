"""The pages of images, and one that leads to all, each with Grad-CAM of its first answer.

Flow: records -> image_page -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lamella.analyses.attribution_maps import text
from lamella.analyses.attribution_maps.image_page import ImagePage
from lamella.analyses.attribution_maps.records import ImageRecords
from lamella.analyses.attribution_maps.stored import CONTOUR_OF
from lamella.attribution.methods import BY_NAME
from lamella.figures import Gallery, Legend, Tile
from lamella.figures.article import IMAGES, Article, Part
from lamella.figures.links import ATTRIBUTION_MAPS
from lamella.store.facts import Atlas


def articles(atlas: Atlas) -> tuple[Article, ...]:
    """The index and the page of each image; () where there is nothing to show."""
    records = ImageRecords.of(atlas)
    if records is None:
        return ()
    pages = (ImagePage(records, image).article() for image in records.entries)
    return (_index(records), *pages)


def _index(records: ImageRecords) -> Article:
    """The page that leads to those of the images."""
    mapped = next((name for name in (CONTOUR_OF, "occlusion") if name in records.methods.names), "")
    over = BY_NAME[mapped].title if mapped else ""
    legend = Legend("", signed=mapped == "occlusion", unsigned=mapped == CONTOUR_OF, mixed=True)
    gallery = Gallery("", tuple(_tiles(records, mapped)), size="mixed")
    return Article(
        ATTRIBUTION_MAPS,
        text.TITLE,
        text.LEAD,
        (Part("", text.over(over), (legend, gallery)),),
        group=IMAGES,
        line="Which parts of an image its top-1 prediction rests on.",
    )


def _tiles(records: ImageRecords, mapped: str) -> Iterator[Tile]:
    for image in records.entries:
        page = ImagePage(records, image)
        label = page.photograph.label
        what = f"photograph of “{label}”" if label else "photograph"
        over = page.over(mapped, 0)
        alt = f"A {what}: {page.name}, and where it looked." if over else f"A {what}: {page.name}."
        picture = page.shown(alt)
        if picture is not None:
            detail = text.percent(page.shares[0]) + (f"; label: {label}" if label else "")
            yield Tile(replace(picture, over=over), page.name, detail, page.path)
