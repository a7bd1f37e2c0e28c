"""Image embeddings: nearest neighbours, maps and grids of the photographs by their features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lamella.analyses.image_embeddings import view
from lamella.analyses.image_embeddings.settings import Options
from lamella.analyses.image_embeddings.stored import PANEL
from lamella.analyses.panel import Panel
from lamella.figures.article import Article
from lamella.store.facts import Atlas
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class ImageEmbeddings(Panel):
    """Entries below the number of images are the images; those from there on are the tiles of the
    maps and grids."""

    name = PANEL
    formerly = ("images",)
    title = "Image embeddings"
    needs = ("survey",)
    uses_images = True
    uses_seed = True
    shows_photographs = True
    per = "network"
    entries = "images"
    settings = Options

    def check(self, job: Job) -> None:
        from lamella.analyses.image_embeddings.layers import feature_layers

        feature_layers(job.atlas.network, job.settings.layer)

    def wanted(self, job: Job) -> list[int]:
        return list(range(len(job.images)))

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.image_embeddings.compute import shards

        return shards(job)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return view.articles(atlas)
