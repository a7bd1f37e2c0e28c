"""What the network answers to all images: first answers, how sure it is, what it confuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lamella.analyses.panel import Panel
from lamella.analyses.predictions.stored import PANEL
from lamella.figures import Figure
from lamella.store.facts import Atlas
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Predictions(Panel):
    """A shard of all classes: its `channels` number the network's outputs."""

    name = PANEL
    title = "Predictions"
    about = (
        "The network's answers to all photographs. The first answer to an image is the class with "
        "the largest probability; “sure” is what the network makes of it, not how often it is "
        "right."
    )
    version = 2
    needs = ("survey", "labels")
    shows = ("classes",)
    uses_images = True
    uses_scores = True
    shows_photographs = False
    per = "network"
    entries = "classes"

    def check(self, job: Job) -> None:
        """Note why there will be nothing, before the first pages are drawn; no error of a build."""
        from lamella.analyses.predictions.compute import note_absence

        note_absence(job)

    def wanted(self, job: Job) -> list[int]:
        from lamella.analyses.predictions.compute import wanted

        return wanted(job)

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.predictions.compute import shards

        return shards(job, missing)

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        # Not above: it links to pages of classes, whose package reads this one's results.
        from lamella.analyses.predictions.view import figures

        return figures(atlas)
