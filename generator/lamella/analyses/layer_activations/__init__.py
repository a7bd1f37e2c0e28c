"""One image through the network: the activation maps of every layer, and the strongest units.

The maps of the first layers show the photograph itself: all of it is for atlases that publish whole
photographs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lamella.analyses.layer_activations import view
from lamella.analyses.layer_activations.settings import Options
from lamella.analyses.layer_activations.stored import PANEL, layer_activation_pages
from lamella.analyses.panel import Panel
from lamella.figures.article import Article
from lamella.store.facts import Atlas
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class LayerActivations(Panel):
    """A shard per image. Its `channels` number the image's photograph and then its layers."""

    name = PANEL
    formerly = ("walk",)
    title = "Layer-by-layer activations"
    about = (
        "The activation maps of every layer for some photographs, and the units that answer most."
    )
    needs = ("survey",)
    shows = ("activation_statistics",)
    uses_images = True
    shows_photographs = True
    per = "network"
    entries = "pictures"
    settings = Options

    def check(self, job: Job) -> None:
        from lamella.analyses.layer_activations.choice import named

        named(job)

    def wanted(self, job: Job) -> list[int]:
        from lamella.analyses.layer_activations.compute import entries

        return entries(job)

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.layer_activations.compute import shards

        return shards(job, missing)

    def pages(self, atlas: Atlas) -> Mapping[int, str]:
        return layer_activation_pages(atlas)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return view.articles(atlas)
