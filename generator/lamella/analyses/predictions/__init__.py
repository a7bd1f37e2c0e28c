"""What the network answers to all images: first answers, how sure it is, what it confuses.

One pass over the images. What is counted stands in `lamella.predicting`; this file stores and
shows it. The pages of classes, decisions and checks rest on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from lamella.analyses.classes.stored import pages
from lamella.analyses.panel import Panel
from lamella.analyses.predictions.stored import ABSENT, PANEL, TOLD, Answers, absent, answers
from lamella.errors import ModelError
from lamella.figures import Cell, Figure, Gallery, Histogram, Mark, Table
from lamella.figures.format import probability, share_of
from lamella.figures.links import CLASSES, article_page
from lamella.store.facts import Atlas
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job

LISTED = 8  # most frequent first answers in the table
SURE = 0.9  # a probability that is called sure; an edge of the histogram's bins


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
    per = "network"
    entries = "classes"

    def check(self, job: Job) -> None:
        """Note why there will be nothing, before the first pages are drawn; no error of a build."""
        from lamella.attribution.scores import outputs_of

        try:
            outputs_of(job.model)
        except ModelError as error:
            job.remember(ABSENT, error.problem)

    def wanted(self, job: Job) -> list[int]:
        from lamella.attribution.scores import outputs_of

        return [] if absent(job.atlas) else list(range(outputs_of(job.model)))

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        import torch

        from lamella.analyses.predictions.passes import BATCH, tallied
        from lamella.attribution.scores import outputs_of

        classes = outputs_of(job.model)
        ticked = 0

        def tick(behind: int) -> None:
            nonlocal ticked
            now = behind * len(missing) // len(job.images)
            job.tick(now - ticked)
            ticked = now

        folder = job.atlas.store.folder(self.name, job.atlas.keys[self.name])
        tally = tallied(job.model, job.images, classes, folder.path / "partial.safetensors", tick)
        job.remember(TOLD, tally.told())  # before the shard, which says that all is there
        made = {
            "images": tally.images,
            "batch": BATCH,
            "torch": torch.__version__,
            "device": job.model.device.type,
        }
        yield Shard(tuple(range(classes)), tally.finish(), made=made)
        job.tick(len(missing) - ticked)

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        found = answers(atlas)
        if found is None:
            why = absent(atlas)
            return (Gallery("", (), note=why),) if why else ()
        return _overview(atlas, found), _sureness(found), _frequent(atlas, found)


def _overview(atlas: Atlas, found: Answers) -> Table:
    """The numbers, and the way to the classes."""
    outputs = "classes" if found.named else "outputs"
    sure = int(found.sure.sum(axis=0)[round(SURE * found.sure.shape[1]) :].sum())
    rows: list[tuple[str | Cell, ...]] = [
        ("Photographs", f"{found.images:,}"),
        (
            f"{outputs.capitalize()} that are a first answer",
            f"{len(found.seen):,} of {len(found.names):,}",
        ),
        (
            f"First answers with a probability above {100 * SURE:.0f} %",
            f"{sure:,} ({share_of(sure, found.images)})",
        ),
    ]
    right, labelled = found.accuracy
    if labelled:
        rows.append(
            (
                "Right, where the label is a class's name",
                f"{right:,} of {labelled:,} ({share_of(right, labelled)})",
            )
        )
    if pages(atlas):
        rows.append(("More", Cell("All classes", article_page(atlas.network.name, CLASSES))))
    whole = len(atlas.manifest.photographs) - len(atlas.manifest.skipped)
    if found.images < whole:
        lost = f"{whole - found.images:,}: its scores are NaN or infinite"
        rows.append(("Photographs that it has no answer to", lost))
    unnamed = "The outputs have no names here; [model] classes in atlas.toml gives them some."
    unknown = "No label is the name of a class, so it is not known how many answers are right."
    note = unnamed if not found.named else "" if labelled or not atlas.manifest.labels else unknown
    return Table("", tuple(rows), note=note)


def _sureness(found: Answers) -> Histogram:
    """How probable the first answers are."""
    counts = found.sure.sum(axis=0)
    mean = float((found.own_probability * found.count).sum() / max(1, found.images))
    return Histogram(
        "How sure it is",
        tuple(np.linspace(0, 1, len(counts) + 1).tolist()),
        tuple(counts.tolist()),
        alt=f"Histogram of the probability of the first answer to {found.images} photographs; its "
        f"mean is {probability(mean)}.",
        label="probability of the first answer; photographs",
        marks=(Mark(f"mean {mean:.2f}", mean),),
        log=False,
    )


def _frequent(atlas: Atlas, found: Answers) -> Table:
    """The classes that it names most often."""
    known = pages(atlas)
    order = sorted(found.seen, key=lambda c: (-int(found.count[c]), c))[:LISTED]
    rows = tuple(
        (
            Cell(found.short(c), known.get(c, "")),
            f"{int(found.count[c]):,}",
            probability(float(found.own_probability[c])),
        )
        for c in order
    )
    title = "Most frequent first answers"
    return Table(title, rows, ("class" if found.named else "output", "photographs", "mean prob."))
