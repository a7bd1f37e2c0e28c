"""A page that reproduces the figures of Distill's "Feature Visualization" for one unit.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007. The pictures,
their settings and the text are those of `lamella.plates`; this file stores and shows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from lamella.analyses.dataset_examples.stored import examples
from lamella.analyses.objectives.choice import Asked, Subject, before, chosen, understood
from lamella.analyses.objectives.view import PANEL, PHOTOGRAPH, PICTURE, Page
from lamella.analyses.panel import Panel, Settings
from lamella.figures import Figure, Gallery, Tile, short
from lamella.figures.article import Article
from lamella.store.facts import Atlas
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job
    from lamella.analyses.objectives.compute import Pressed
    from lamella.analyses.objectives.specification import Plate

NOTES = "plates"  # the document beside the shards


class _Options(Settings):
    """`[panels.objectives]`, but for `class`, which is no name in Python."""

    unit: str | None = Field(
        None, description='The unit of the page, "layer:channel"; without it a telling one.'
    )
    second: str | None = Field(
        None, description="Another unit of its layer; without it one of another kind."
    )
    image: str | None = Field(
        None,
        description="The photograph to begin from: its path in the folder, or its id; without it "
        "the one that excites the unit most.",
    )
    steps: int = Field(128, ge=8, description="Steps of an ascent.")
    size: int | None = Field(
        None,
        ge=16,
        description="Side of a picture in pixels; without it 128, or what the network runs at.",
    )
    quality: int = Field(90, ge=1, le=100, description="Quality of the WebP pictures.")


_CLASS = Field(
    None,
    description="A class by name or number; without it the one that the network sees in most of "
    "the unit's strongest photographs.",
)
Options: type[_Options] = create_model(
    "Options",
    __base__=_Options,
    **{"class": (str | int | None, _CLASS)},  # type: ignore[call-overload]
)


class Objectives(Panel):
    """A shard per plate: its `channels` number the pictures of all plates."""

    name = PANEL
    title = "Objectives"
    about = (
        "The figures of the article “Feature Visualization” for one unit: objectives, diversity, "
        "interaction, regularization and parameterization, each with its settings."
    )
    needs = ("survey", "dataset_examples")
    uses_images = True
    uses_seed = True
    per = "network"
    slow = True
    entries = "pictures"
    photographic = frozenset({PHOTOGRAPH})
    settings = Options

    def check(self, job: Job) -> None:
        _asked(job)

    def wanted(self, job: Job) -> list[int]:
        from lamella.analyses.objectives.compute import entries

        numbers, there = entries(), _there(job, chosen(job.atlas, _asked(job)))
        return [n for plate in _plates() if plate.needs <= there for n in numbers[plate.key]]

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.objectives.compute import entries, pressed, profile
        from lamella.analyses.objectives.context import Studio

        options: _Options = job.settings
        subject = chosen(job.atlas, _asked(job))
        studio = Studio.of(job, subject, steps=options.steps, size=options.size)
        numbers, there = entries(), _there(job, subject)
        notes = job.recall(NOTES) or {}
        notes = {
            "subject": _named(job, subject, studio.output),
            "absent": {
                need: [plate.key for plate in _plates() if need in plate.needs]
                for need in sorted({n for plate in _plates() for n in plate.needs} - there)
            },
            "photographs": []
            if studio.spectrum is None
            else [float(value) for value in profile(studio.spectrum)],
            "plates": notes.get("plates", {}),
        }
        todo = [plate for plate in _plates() if set(numbers[plate.key]) & set(missing)]
        for plate, found in pressed(studio, todo, options.quality):
            first = numbers[plate.key][0]
            words = {**found.words, "first": first, "photographic": plate.photographic}
            notes["plates"][plate.key] = words
            job.remember(NOTES, notes)  # before the shard, which says that the plate is there
            yield _shard(plate, found, first, studio.size, job)
            job.tick(plate.pictures)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        if self.name not in atlas.keys:
            return ()
        notes = atlas.store.read_json(f"{self.name}-{atlas.keys[self.name][:16]}/{NOTES}.json")
        stored = atlas.store.folder(self.name, atlas.keys[self.name])
        if notes is None or not (done := stored.done()):
            return ()
        page = Page(
            atlas, notes, atlas.of_network(self.name, max(done) + 1), _examples(atlas, notes)
        )
        return (page.article(),)


def _examples(atlas: Atlas, notes: dict[str, Any]) -> tuple[Figure, ...]:
    """The unit's strongest photographs, as its own page shows them."""
    name, _, channel = notes["subject"]["unit"].rpartition(":")
    facts = next(facts for facts in atlas.layers() if facts.layer.name == name)
    found = examples(facts, int(channel))
    if found is None:
        return ()
    tiles = (
        Tile(one.patch, short(one.activation), one.label, beside=one.whole) for one in found.shown
    )
    return (Gallery("Photographs that excite it most", tuple(tiles)),)


def _plates() -> tuple[Plate, ...]:
    from lamella.analyses.objectives.compute import PLATES

    return PLATES


def _asked(job: Job) -> Asked:
    """What the user set, understood."""
    options: _Options = job.settings
    return understood(
        job.atlas.network,
        job.images.manifest,
        job.model.facts.layers[-1].channels,
        unit=options.unit,
        second=options.second,
        output=getattr(options, "class"),
        image=options.image,
    )


def _there(job: Job, subject: Subject) -> set[str]:
    """What plates may need, and is there."""
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
    return {need for need, there in known.items() if there}


def _named(job: Job, subject: Subject, output: int) -> dict[str, str]:
    """The words that the text leaves open."""
    classes = job.model.facts.classes
    return {
        "unit": str(subject.unit),
        "second": str(subject.second or ""),
        "layer": subject.layer.name,
        "class": classes[output] if output < len(classes) else f"number {output}",
    }


def _shard(plate: Plate, found: Pressed, first: int, size: int, job: Job) -> Shard:
    import torch

    name = PHOTOGRAPH if plate.photographic else PICTURE
    made: dict[str, Any] = {
        "size": size,
        "seed": job.seed,
        "threads": 1 if job.model.device.type == "cpu" else torch.get_num_threads(),
        "torch": torch.__version__,
        "device": job.model.device.type,
    }
    channels = tuple(range(first, first + plate.pictures))
    return Shard(channels, found.numbers, {name: found.pictures}, {name: Sheet(size, size)}, made)
