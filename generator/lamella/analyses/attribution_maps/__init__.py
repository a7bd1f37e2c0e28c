"""Attribution maps: single images, their first answers, every attribution method.

The maps of gradients show the outlines of the photograph: all of it is for atlases that publish
whole photographs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lamella.analyses.attribution_maps.settings import Options
from lamella.analyses.attribution_maps.stored import PANEL, attribution_map_pages
from lamella.analyses.attribution_maps.view import articles
from lamella.analyses.panel import Panel
from lamella.figures.article import Article
from lamella.store.facts import Atlas
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class AttributionMaps(Panel):
    """A shard per image; entries number the images that were chosen."""

    name = PANEL
    formerly = ("decisions",)
    title = "Attribution maps"
    about = (
        "Single photographs, the network's first answers to them, and what these rest on, by "
        "several methods side by side."
    )
    needs = ("predictions",)
    shows = ("classes", "layer_activations", "sanity_checks")
    uses_images = True
    shows_photographs = True
    per = "network"
    entries = "photographs"
    settings = Options

    def check(self, job: Job) -> None:
        from lamella.analyses.attribution_maps.compute import check

        check(job)

    def wanted(self, job: Job) -> list[int]:
        from lamella.analyses.attribution_maps.compute import wanted

        return wanted(job)

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.attribution_maps.compute import shards

        return shards(job, missing)

    def pages(self, atlas: Atlas) -> Mapping[int, str]:
        return attribution_map_pages(atlas)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return articles(atlas)
