"""A page for each class that the photographs show, and on units' pages the way there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lamella.analyses.classes.contributions_view import unit_figures
from lamella.analyses.classes.settings import Options
from lamella.analyses.classes.stored import (
    IMAGES,
    MAPS,
    MEAN,
    PANEL,
    STRONGEST,
    class_pages,
    named_pages,
)
from lamella.analyses.classes.view import articles
from lamella.analyses.panel import Panel
from lamella.figures import Figure
from lamella.figures.article import Article
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


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
    shows_photographs = False
    photographic = frozenset({IMAGES, MAPS, MEAN, STRONGEST})
    per = "network"
    entries = "classes"
    settings = Options

    def wanted(self, job: Job) -> list[int]:
        from lamella.analyses.classes.compute import wanted

        return wanted(job)

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.classes.compute import shards

        return shards(job, missing)

    def named_pages(self, atlas: Atlas) -> Sequence[tuple[str, str]]:
        return named_pages(atlas)

    def pages(self, atlas: Atlas) -> Mapping[int, str]:
        return class_pages(atlas)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return articles(atlas)


class LogitContributions(Panel):
    """A unit's direct part in class scores; nothing is computed: the store of `classes` has it."""

    name = "logit_contributions"
    formerly = ("class_units",)
    title = "Direct logit contribution"
    about = (
        "Where class scores are read off its layer: the classes for which the unit has the largest "
        "weights, either way. The weight is by how much the score rises with the unit's mean "
        "activation; what that amounts to on photographs stands on the page of the class."
    )
    needs = ("classes",)
    shows_photographs = False
    per = "view"

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return unit_figures(facts, channel)
