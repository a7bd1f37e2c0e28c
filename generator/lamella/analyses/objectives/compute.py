"""What is stored of the page: the demonstrations that can be made for its unit, one shard each.

Flow: choice + survey -> context -> ascents -> **compute** -> store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from lamella.analyses.objectives.ascents import Result, profile, results
from lamella.analyses.objectives.choice import Subject, before, chosen, requested
from lamella.analyses.objectives.context import Context
from lamella.analyses.objectives.lecture_rules import LECTURES
from lamella.analyses.objectives.objectives import OBJECTIVES
from lamella.analyses.objectives.regularization import REGULARIZATION
from lamella.analyses.objectives.specification import Demonstration
from lamella.analyses.objectives.stored import DOCUMENT, PHOTOGRAPH, PICTURE, Notes
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job
    from lamella.analyses.objectives.settings import PlainOptions

DEMONSTRATIONS: tuple[Demonstration, ...] = (
    *OBJECTIVES.demonstrations,
    *REGULARIZATION.demonstrations,
    *LECTURES.demonstrations,
)


def entries() -> dict[str, range]:
    """The numbers of each demonstration's pictures, by its key."""
    found, first = {}, 0
    for demonstration in DEMONSTRATIONS:
        found[demonstration.key] = range(first, first + demonstration.pictures)
        first += demonstration.pictures
    return found


def wanted(job: Job) -> list[int]:
    """The entries of the demonstrations that can be made."""
    numbers, there = entries(), available(job, chosen(job.atlas, requested(job)))
    return [n for each in DEMONSTRATIONS if each.needs <= there for n in numbers[each.key]]


def shards(job: Job, missing: Sequence[int]) -> Iterator[Shard]:
    """A shard for each demonstration of which an entry is missing, as they finish."""
    options: PlainOptions = job.settings
    subject = chosen(job.atlas, requested(job))
    context = Context.of(job, subject, steps=options.steps, size=options.size)
    numbers, there = entries(), available(job, subject)
    earlier = job.recall(DOCUMENT) or {"demonstrations": {}}
    notes: Notes = {
        "subject": _words(job, subject, context.output),
        "absent": {
            need: [each.key for each in DEMONSTRATIONS if need in each.needs]
            for need in sorted({n for each in DEMONSTRATIONS for n in each.needs} - there)
        },
        "photographs": []
        if context.spectrum is None
        else [float(value) for value in profile(context.spectrum)],
        "demonstrations": earlier["demonstrations"],
    }
    todo = [each for each in DEMONSTRATIONS if set(numbers[each.key]) & set(missing)]
    for demonstration, result in results(context, todo, options.quality):
        first = numbers[demonstration.key][0]
        records = notes["demonstrations"]
        records[demonstration.key] = {
            **result.record,
            "first": first,
            "photographic": demonstration.photographic,
        }
        # In the order of the entries, whichever worker finished first.
        notes["demonstrations"] = {key: records[key] for key in numbers if key in records}
        job.remember(DOCUMENT, notes)  # before the shard, which says that the pictures are there
        yield _shard(demonstration, result, first, context.size, job)
        job.tick(demonstration.pictures)


def available(job: Job, subject: Subject) -> set[str]:
    """What demonstrations may need, and is there."""
    at = {
        name: each.name for name, each in before(job.model.facts.layers, subject.layer.name).items()
    }
    classes = len(job.model.facts.classes) == job.model.facts.layers[-1].channels
    known = {
        "positions": subject.layer.height * subject.layer.width > 1,
        "second": subject.second is not None,
        "class": classes or subject.output is not None,
        "public": job.atlas.publish == "whole",
        "private": job.atlas.publish != "whole",
        "early": at["early"] != at["late"],
        "middle": at["middle"] not in (at["early"], at["late"]),
    }
    return {need for need, is_there in known.items() if is_there}


def _words(job: Job, subject: Subject, output: int) -> dict[str, str]:
    """The words that the text leaves open."""
    classes = job.model.facts.classes
    return {
        "unit": str(subject.unit),
        "second": str(subject.second or ""),
        "layer": subject.layer.name,
        "class": classes[output] if output < len(classes) else f"number {output}",
    }


def _shard(demonstration: Demonstration, result: Result, first: int, size: int, job: Job) -> Shard:
    name = PHOTOGRAPH if demonstration.photographic else PICTURE
    made: dict[str, Any] = {
        "size": size,
        "seed": job.seed,
        "threads": 1 if job.model.device.type == "cpu" else torch.get_num_threads(),
        "torch": torch.__version__,
        "device": job.model.device.type,
    }
    channels = tuple(range(first, first + demonstration.pictures))
    return Shard(channels, result.numbers, {name: result.pictures}, {name: Sheet(size, size)}, made)
