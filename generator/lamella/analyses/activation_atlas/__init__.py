"""The activation atlas: what a layer says anywhere in the photographs, laid out and drawn.

Source: Carter, Armstrong, Schubert, Johnson and Olah, "Activation Atlas", Distill 2019,
doi:10.23915/distill.00015.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lamella.analyses.activation_atlas import view
from lamella.analyses.activation_atlas.settings import Options
from lamella.analyses.activation_atlas.spaces import spaces
from lamella.analyses.activation_atlas.stored import PANEL
from lamella.analyses.panel import Panel
from lamella.figures.article import Article
from lamella.store.facts import Atlas
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class ActivationAtlas(Panel):
    """Entries are tiles, layouts and batches of cells: see `stored.Numbering`."""

    name = PANEL
    title = "Activation atlas"
    about = (
        "What a layer says anywhere in the photographs, laid out on a plane, and a picture for "
        "every part of it."
    )
    needs = ("survey",)
    uses_images = True
    uses_seed = True
    per = "network"
    slow = True
    entries = "batches"
    # Its pictures are made by ascent towards means of vectors of many photographs, and show none of
    # them: whatever may be shown of the photographs, these may.
    shows_photographs = False
    settings = Options

    def check(self, job: Job) -> None:
        spaces(job.atlas.network.layers, job.settings.layers)

    def wanted(self, job: Job) -> list[int]:
        from lamella.analyses.activation_atlas.compute import wanted

        return wanted(job)

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.activation_atlas.compute import shards

        return shards(job, len(missing))

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return view.articles(atlas)
