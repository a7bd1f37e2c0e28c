"""The activation atlas: what a layer says anywhere in the photographs, laid out and drawn.

Source: Carter, Armstrong, Schubert, Johnson and Olah, "Activation Atlas", Distill 2019,
doi:10.23915/distill.00015. What is computed, and why so, stands in `lamella.activation_atlas`; this
file stores and shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lamella.analyses.activation_atlas.spaces import Space, spaces
from lamella.analyses.activation_atlas.stored import (
    CELLS_A_BATCH,
    PANEL,
    STILL,
    TILE,
    TILES,
    Draft,
    Numbering,
    batches_of,
    likeness,
)
from lamella.analyses.activation_atlas.view import Page
from lamella.analyses.panel import Panel, Settings
from lamella.figures.article import Article
from lamella.store.facts import Atlas
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job

NOTES = "atlases"  # the document beside the shards


class Options(Settings):
    """`[panels.activation_atlas]`."""

    layers: list[str] = Field(
        [],
        description="An atlas of each of these layers; `a+b` for one of two that stand side by "
        "side. Without any, one of the deepest place that has positions.",
    )
    vectors: int = Field(
        20_000, ge=1, description="Activation vectors that are sampled, at most; memory grows so."
    )
    grid: int = Field(6, ge=1, le=64, description="Cells along one side of the coarsest grid.")
    levels: int = Field(3, ge=1, le=5, description="Grids, each twice as fine as the one before.")
    fewest: int = Field(5, ge=1, description="Vectors that a cell must hold to have a picture.")
    steps: int = Field(64, ge=1, description="Steps of ascent for a cell's picture.")
    size: int | None = Field(
        None,
        ge=16,
        le=512,
        description="Side of a cell's picture in pixels; without it 80, or what the network runs "
        "at.",
    )
    quality: int = Field(82, ge=1, le=100, description="Quality of the WebP tiles.")


class ActivationAtlas(Panel):
    """Entries are tiles, drafts and batches of cells: see `Numbering`."""

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
        _spaces(job)

    def wanted(self, job: Job) -> list[int]:
        known = job.recall(NOTES) or {"size": 0, "atlases": {}}
        found: list[int] = []
        for place, space in enumerate(_spaces(job)):
            numbering = Numbering(place, _sides(job.settings), known["size"])
            told = known["atlases"].get(space.name)
            if told is None:
                # The draft will tell. Until then: about so many, and none of them is done.
                found += [-1 - place * numbering.batches - at for at in range(numbering.batches)]
            else:
                found += numbering.wanted(told["levels"], len(told["cells"]))
        return found

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.activation_atlas.pictures import fitting_side

        options: Options = job.settings
        todo = _spaces(job)
        side = fitting_side(job.model, todo, options.size)
        notes: dict[str, Any] = {"size": side, "atlases": {}, **(job.recall(NOTES) or {})}
        left = len(missing)
        for place, space in enumerate(todo):
            numbering = Numbering(place, _sides(options), side)
            for shard in self._atlas(job, space, numbering, notes):
                yield shard
                told = min(left, len(shard.channels))
                left -= told
                job.tick(told)
        job.tick(left)

    def _atlas(
        self, job: Job, space: Space, numbering: Numbering, notes: dict[str, Any]
    ) -> Iterator[Shard]:
        """What is missing of one atlas: its draft, its cells, its tiles."""
        if space.name not in notes["atlases"]:
            from lamella.analyses.activation_atlas.cells import drafted

            draft, told = drafted(job, space, numbering)
            yield Shard((numbering.draft,), numbers=_named(draft.arrays(), numbering))
            notes["atlases"][space.name] = told
            job.remember(NOTES, notes)  # behind the draft: where it is told, the draft is there
        told = notes["atlases"][space.name]
        folder = job.atlas.store.folder(self.name, job.atlas.keys[self.name])
        done = folder.done()
        if done.issuperset(numbering.shown(told["levels"])):
            return
        stored = _stored(job, numbering)
        draft = Draft.of(stored[numbering.draft])
        yield from _pictures(job, space, numbering, draft, done)
        stored = _stored(job, numbering)
        number = len(draft.places)
        made = [stored[numbering.batch(at)] for at in range(batches_of(number))]
        answers = np.concatenate([batch["answers"][0] for batch in made])[:number]
        told["likeness"] = likeness(answers, draft)
        job.remember(NOTES, notes)  # before the tiles, which say that the atlas is there
        pixels = np.concatenate([batch["pixels"][0] for batch in made])[:number]
        yield _published(job, numbering, draft, pixels)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        if self.name not in atlas.keys:
            return ()
        key = atlas.keys[self.name]
        notes = atlas.store.read_json(f"{self.name}-{key[:16]}/{NOTES}.json")
        if notes is None:
            return ()
        done = atlas.store.folder(self.name, key).done()
        told = list(notes["atlases"].values())
        found = []
        for each in told:
            numbering = Numbering(each["place"], tuple(each["sides"]), notes["size"])
            if set(numbering.shown(each["levels"])) <= done:
                found.append(Page(atlas, each, numbering, each["several"]).article())
        return tuple(found)


def _sides(options: Options) -> tuple[int, ...]:
    return tuple(options.grid << level for level in range(options.levels))


def _spaces(job: Job) -> tuple[Space, ...]:
    options: Options = job.settings
    return spaces(job.atlas.network.layers, options.layers)


def _named(numbers: dict[str, NDArray[Any]], numbering: Numbering) -> dict[str, NDArray[Any]]:
    """Numbers of an atlas under names of its own: those of others have other shapes."""
    return {f"{name}-{numbering.place}": values for name, values in numbers.items()}


def _stored(job: Job, numbering: Numbering) -> dict[int, dict[str, NDArray[Any]]]:
    """The numbers that were stored of an atlas, by entry: its draft and its cells."""
    folder = job.atlas.store.folder(job.panel, job.atlas.keys[job.panel])
    tail, found = f"-{numbering.place}", {}
    for note, tensors in folder.shards():
        own = {name.removesuffix(tail): n for name, n in tensors.items() if name.endswith(tail)}
        if own:
            found[int(note["channels"][0])] = own
    return found


def _pictures(
    job: Job, space: Space, numbering: Numbering, draft: Draft, done: set[int]
) -> Iterator[Shard]:
    """The cells' pictures that are missing, a shard for each batch."""
    import torch

    from lamella.analyses.activation_atlas.pictures import BATCH, aims, made, seed_of

    assert BATCH == CELLS_A_BATCH
    options: Options = job.settings
    missing = [n for n in range(batches_of(len(draft.places))) if numbering.batch(n) not in done]
    told = {
        "size": numbering.size,
        "steps": options.steps,
        "batch": BATCH,
        "seed": job.seed,
        "threads": 1 if job.model.device.type == "cpu" else torch.get_num_threads(),
        "torch": torch.__version__,
        "device": job.model.device.type,
    }
    for number, batch in made(
        job.model,
        space,
        aims(draft.means, draft.usual),
        [seed_of(job.seed, space, *place) for place in draft.places],
        side=numbering.size,
        steps=options.steps,
        batches=missing,
    ):
        rows: dict[str, NDArray[Any]] = {"pixels": batch.pixels, "answers": batch.answers}
        full = {
            name: np.concatenate(
                [values, np.zeros((BATCH - len(values), *values.shape[1:]), values.dtype)]
            )[None]
            for name, values in rows.items()
        }
        yield Shard((numbering.batch(number),), numbers=_named(full, numbering), made=told)


def _published(job: Job, numbering: Numbering, draft: Draft, pixels: NDArray[np.uint8]) -> Shard:
    """The tiles of all levels, and the still picture."""
    from lamella.analyses.activation_atlas.sheet import sheet
    from lamella.figures.encoding import encode
    from lamella.figures.zoom import tiles

    options: Options = job.settings
    classes = job.model.facts.classes
    names = [classes[best] if best >= 0 else "" for best in draft.classes[:, 0].tolist()]
    drawn, first = [], 0
    for level in draft.levels:
        run = slice(first, first + len(level.count))
        first = run.stop
        drawn.append(sheet(level, pixels[run], numbering.size, names[run]))
    _, parts = tiles(drawn, TILE, numbering.first)
    still = drawn[numbering.level_of_still(len(drawn))]
    encoded = [encode(part, options.quality) for part in parts]
    return Shard(
        tuple(numbering.shown(len(drawn))),
        pictures={
            TILES: (*encoded, b""),
            STILL: (*(b"" for _ in encoded), encode(still, options.quality)),
        },
        sheets={STILL: Sheet(still.width, still.height)},
    )
