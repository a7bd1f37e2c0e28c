"""Sanity checks of attribution maps, all methods: on the about page, and an article."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from lamella.analyses.panel import Panel, Settings
from lamella.analyses.sanity_checks import text
from lamella.analyses.sanity_checks.stored import (
    PANEL,
    PHOTOGRAPH,
    map_name,
    miss_name,
    sanity_page,
)
from lamella.analyses.sanity_checks.view import articles, figures
from lamella.attribution.methods import METHODS
from lamella.figures import Figure
from lamella.figures.article import Article
from lamella.store.facts import Atlas
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Options(Settings):
    """`[panels.sanity_checks]`."""

    images: int = Field(
        6, ge=1, le=256, description="Images whose maps are made again for random weights."
    )
    curves: int = Field(
        8, ge=1, le=1024, description="Images of the deletion and insertion curves."
    )
    masks: str | None = Field(
        None,
        description="A folder that says where the thing is in some photographs: for "
        "animals/panda.webp a picture animals/panda.png of the same size, white where it is and "
        "black elsewhere. Without it, maps are not tested for pointing at it.",
    )
    patch: int | None = Field(
        None, ge=1, description="Side of occlusion's mask in pixels; two sevenths of the image."
    )
    stride: int | None = Field(
        None, ge=1, description="Pixels between two masks; a seventh of the image."
    )
    steps: int = Field(6, ge=1, le=256, description="Steps of integrated gradients.")
    quality: int = Field(75, ge=1, le=100, description="Quality of the WebP photographs.")


class SanityChecks(Panel):
    """Entries: the trained network and its stages, images of curves, images with a mask."""

    name = PANEL
    formerly = ("sanity",)
    title = text.TITLE
    about = text.ABOUT
    needs = ("survey",)
    shows = ("attribution_maps",)
    uses_images = True
    uses_scores = True
    uses_seed = True
    shows_photographs = False
    per = "network"
    entries = "tests"
    photographic = frozenset(
        {PHOTOGRAPH} | {name(method.name) for method in METHODS for name in (map_name, miss_name)}
    )
    settings = Options

    def keyed(self, settings: Settings, path: Callable[[str], Path]) -> Mapping[str, Any]:
        from lamella.analyses.sanity_checks.masks import digest_of_masks

        plain = settings.model_dump(mode="json")
        if plain["masks"] is not None:
            plain["masks"] = digest_of_masks(path(plain["masks"]))
        return plain

    def check(self, job: Job) -> None:
        from lamella.analyses.sanity_checks.planning import check

        check(job)

    def wanted(self, job: Job) -> list[int]:
        from lamella.analyses.sanity_checks.planning import wanted

        return wanted(job)

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.sanity_checks.compute import shards

        return shards(job, missing)

    def view_about(self, atlas: Atlas) -> tuple[Figure, ...]:
        return figures(atlas)

    def pages(self, atlas: Atlas) -> Mapping[int, str]:
        page = sanity_page(atlas)
        return {0: page} if page else {}

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return articles(atlas)
