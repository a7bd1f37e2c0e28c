"""An atlas from its layout to its tiles, in steps that can be interrupted and go on.

Flow: cells -> pictures -> sheet -> **compute** -> store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from lamella.analyses.activation_atlas.cells import laid_out
from lamella.analyses.activation_atlas.likeness import likeness
from lamella.analyses.activation_atlas.pictures import aims, batches_made, picture_side, seed_of
from lamella.analyses.activation_atlas.sheet import sheet
from lamella.analyses.activation_atlas.spaces import Space, spaces
from lamella.analyses.activation_atlas.stored import (
    CELLS_A_BATCH,
    DOCUMENT,
    STILL,
    TILE,
    TILES,
    Layout,
    Numbering,
    batches_of,
)
from lamella.figures.encoding import encode
from lamella.figures.zoom import tiles
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.activation_atlas.settings import Options
    from lamella.analyses.job import Job


def wanted(job: Job) -> list[int]:
    """The entries of all atlases, as far as they are known."""
    notes = job.recall(DOCUMENT) or {"size": 0, "atlases": {}}
    found: list[int] = []
    for place, space in enumerate(_spaces(job)):
        numbering = Numbering(place, job.settings.sides, notes["size"])
        record = notes["atlases"].get(space.name)
        if record is None:
            # The layout will tell. Until then: about so many, and none of them is done.
            found += [-1 - place * numbering.batches - at for at in range(numbering.batches)]
        else:
            found += numbering.wanted(record["levels"], len(record["cells"]))
    return found


def shards(job: Job, missing: int) -> Iterator[Shard]:
    """What is missing of all atlases.

    Args:
        missing: how many entries, as `wanted` counted them.
    """
    options: Options = job.settings
    todo = _spaces(job)
    side = picture_side(job.model, todo, options.size)
    notes: dict[str, Any] = {"size": side, "atlases": {}, **(job.recall(DOCUMENT) or {})}
    left = missing
    for place, space in enumerate(todo):
        numbering = Numbering(place, options.sides, side)
        for shard in _atlas(job, space, numbering, notes):
            yield shard
            done = min(left, len(shard.channels))
            left -= done
            job.tick(done)
    job.tick(left)


def _atlas(job: Job, space: Space, numbering: Numbering, notes: dict[str, Any]) -> Iterator[Shard]:
    """What is missing of one atlas: its layout, its cells, its tiles."""
    if space.name not in notes["atlases"]:
        layout, record = laid_out(job, space, numbering)
        yield Shard((numbering.layout,), numbers=_named(layout.arrays(), numbering))
        notes["atlases"][space.name] = record
        job.remember(DOCUMENT, notes)  # behind the layout: where it is told, the layout is there
    record = notes["atlases"][space.name]
    done = job.atlas.store.folder(job.panel, job.atlas.keys[job.panel]).done()
    if done.issuperset(numbering.shown(record["levels"])):
        return
    stored = _stored(job, numbering)
    layout = Layout.of(stored[numbering.layout])
    yield from _pictures(job, space, numbering, layout, done)
    stored = _stored(job, numbering)
    number = len(layout.places)
    batches = [stored[numbering.batch(at)] for at in range(batches_of(number))]
    answers = np.concatenate([batch["answers"][0] for batch in batches])[:number]
    record["likeness"] = likeness(answers, layout)
    job.remember(DOCUMENT, notes)  # before the tiles, which say that the atlas is there
    pixels = np.concatenate([batch["pixels"][0] for batch in batches])[:number]
    yield _published(job, numbering, layout, pixels)


def _spaces(job: Job) -> tuple[Space, ...]:
    return spaces(job.atlas.network.layers, job.settings.layers)


def _named(numbers: dict[str, NDArray[Any]], numbering: Numbering) -> dict[str, NDArray[Any]]:
    """Numbers of an atlas under names of its own: those of others have other shapes."""
    return {f"{name}-{numbering.place}": values for name, values in numbers.items()}


def _stored(job: Job, numbering: Numbering) -> dict[int, dict[str, NDArray[Any]]]:
    """The numbers that were stored of an atlas, by entry: its layout and its cells."""
    folder = job.atlas.store.folder(job.panel, job.atlas.keys[job.panel])
    tail, found = f"-{numbering.place}", {}
    for note, tensors in folder.shards():
        own = {name.removesuffix(tail): n for name, n in tensors.items() if name.endswith(tail)}
        if own:
            found[int(note["channels"][0])] = own
    return found


def _pictures(
    job: Job, space: Space, numbering: Numbering, layout: Layout, done: set[int]
) -> Iterator[Shard]:
    """The cells' pictures that are missing, a shard for each batch."""
    options: Options = job.settings
    missing = [n for n in range(batches_of(len(layout.places))) if numbering.batch(n) not in done]
    made = {
        "size": numbering.size,
        "steps": options.steps,
        "batch": CELLS_A_BATCH,
        "seed": job.seed,
        "threads": 1 if job.model.device.type == "cpu" else torch.get_num_threads(),
        "torch": torch.__version__,
        "device": job.model.device.type,
    }
    for number, batch in batches_made(
        job.model,
        space,
        aims(layout.means, layout.usual),
        [seed_of(job.seed, space, *place) for place in layout.places],
        side=numbering.size,
        steps=options.steps,
        batches=missing,
    ):
        rows: dict[str, NDArray[Any]] = {"pixels": batch.pixels, "answers": batch.answers}
        full = {
            name: np.concatenate(
                [values, np.zeros((CELLS_A_BATCH - len(values), *values.shape[1:]), values.dtype)]
            )[None]
            for name, values in rows.items()
        }
        yield Shard((numbering.batch(number),), numbers=_named(full, numbering), made=made)


def _published(job: Job, numbering: Numbering, layout: Layout, pixels: NDArray[np.uint8]) -> Shard:
    """The tiles of all levels, and the still picture."""
    options: Options = job.settings
    classes = job.model.facts.classes
    names = [classes[best] if best >= 0 else "" for best in layout.classes[:, 0].tolist()]
    drawn, first = [], 0
    for level in layout.levels:
        run = slice(first, first + len(level.count))
        first = run.stop
        drawn.append(sheet(level, pixels[run], numbering.size, names[run], job.model.facts.size))
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
