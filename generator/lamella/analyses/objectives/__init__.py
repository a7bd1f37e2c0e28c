"""A page that reproduces the figures of Distill's "Feature Visualization" for one unit.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lamella.analyses.objectives import view
from lamella.analyses.objectives.choice import requested
from lamella.analyses.objectives.settings import Options
from lamella.analyses.objectives.stored import PANEL, PHOTOGRAPH
from lamella.analyses.panel import Panel
from lamella.figures.article import Article
from lamella.store.facts import Atlas
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Objectives(Panel):
    """A shard per demonstration: its `channels` number the pictures of all demonstrations."""

    name = PANEL
    title = "Objectives"
    about = (
        "The figures of the article “Feature Visualization” for one unit: objectives, diversity, "
        "interaction, regularization and parameterization, each with its settings."
    )
    needs = ("survey", "dataset_examples")
    uses_images = True
    uses_seed = True
    shows_photographs = False
    per = "network"
    slow = True
    entries = "pictures"
    photographic = frozenset({PHOTOGRAPH})
    settings = Options

    def check(self, job: Job) -> None:
        requested(job)

    def wanted(self, job: Job) -> list[int]:
        from lamella.analyses.objectives.compute import wanted

        return wanted(job)

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.objectives.compute import shards

        return shards(job, missing)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return view.articles(atlas)
