"""A page for each class that the photographs show: what the network looks at when it decides so.

What is measured, drawn and said stands in `lamella.judging`; this file stores and shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from lamella.analyses.classes.facts import Book
from lamella.analyses.classes.index import index
from lamella.analyses.classes.stored import IMAGES, MAPS, MEAN, NOTES, PANEL, STRONGEST, named_pages
from lamella.analyses.classes.view import Page
from lamella.analyses.panel import Panel, Settings
from lamella.analyses.predictions.stored import FIRST, KEPT, answers
from lamella.figures.article import Article
from lamella.store.facts import Atlas
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.classes.compute import Wishes
    from lamella.analyses.job import Job


class Options(Settings):
    """`[panels.classes]`."""

    most: int = Field(
        1000,
        ge=0,
        description="At most so many classes have a page: those that are most often the first "
        "answer.",
    )
    examples: int = Field(
        KEPT, ge=1, le=KEPT, description="Photographs on the page of a class, with Grad-CAM."
    )
    averaged: int = Field(
        36,
        ge=1,
        le=FIRST,
        description="Photographs whose first answer the class is, at most, over which Grad-CAM "
        "and activations are averaged; those of which the network is surest.",
    )
    least: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Probability below which a photograph is not shown there, but for the first.",
    )
    side: int = Field(192, ge=32, le=512, description="Side of a photograph there, in pixels.")
    quality: int = Field(70, ge=1, le=100, description="Quality of the WebP photographs.")


class Classes(Panel):
    """A shard per class; its `channels` number the network's outputs."""

    name = PANEL
    formerly = ("class_pages",)
    title = "Classes"
    about = (
        "For each class that is the first answer to a photograph: what the network looks at when "
        "it decides so, what it confuses it with, and the units that push it."
    )
    needs = ("predictions",)
    shows = ("feature_visualization", "attribution_maps")
    uses_images = True
    photographic = frozenset({IMAGES, MAPS, MEAN, STRONGEST})
    per = "network"
    entries = "classes"
    settings = Options

    def wanted(self, job: Job) -> list[int]:
        options: Options = job.settings
        found = answers(job.atlas)
        if found is None:
            return []
        most = sorted(found.seen, key=lambda c: (-int(found.count[c]), c))[: options.most]
        return sorted(most)

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.classes.compute import noted, shards

        found = answers(job.atlas)
        assert found is not None
        told, weighing = noted(job.model)
        job.remember(NOTES, told.plain())
        yield from shards(
            job.model, job.images, found, missing, _wishes(job), told, weighing, job.tick
        )

    def named_pages(self, atlas: Atlas) -> Sequence[tuple[str, str]]:
        return named_pages(atlas)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        book = Book.of(atlas)
        if book is None:
            return ()
        return (index(book), *(Page(book, output).article() for output in book.outputs))


def _wishes(job: Job) -> Wishes:
    from lamella.analyses.classes.compute import Wishes

    options: Options = job.settings
    return Wishes(options.examples, options.averaged, options.side, options.quality, options.least)
