"""One pass over all images: probabilities into a tally, in batches, resumable.

Flow: images + model -> **compute** -> tally -> store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from lamella.analyses.predictions.stored import ABSENT, LABELS, PANEL, absent
from lamella.analyses.predictions.tally import Tally
from lamella.attribution.scores import outputs_of, probabilities, scores
from lamella.errors import ModelError
from lamella.store.checkpoint import load_state, save_state
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job
    from lamella.images.images import Images
    from lamella.network.model import Model

BATCH = 32
CHECKPOINT_SECONDS = 20.0
FOLLOWING = "following"  # the number of the first image that was not seen yet


def note_absence(job: Job) -> None:
    """Note why there will be no predictions, where the network has no class scores."""
    try:
        outputs_of(job.model)
    except ModelError as error:
        job.remember(ABSENT, error.problem)


def wanted(job: Job) -> list[int]:
    """The network's outputs; none where it has no class scores."""
    return [] if absent(job.atlas) else list(range(outputs_of(job.model)))


def shards(job: Job, missing: list[int]) -> Iterator[Shard]:
    """One shard of all outputs; what images of each label are taken for lies beside it."""
    classes = outputs_of(job.model)
    ticked = 0

    def tick(behind: int) -> None:
        nonlocal ticked
        now = behind * len(missing) // len(job.images)
        job.tick(now - ticked)
        ticked = now

    folder = job.atlas.store.folder(PANEL, job.atlas.keys[PANEL])
    tally = tallied(job.model, job.images, classes, folder.path / "partial.safetensors", tick)
    job.remember(LABELS, tally.label_answers())  # before the shard, which says that all is there
    made = {
        "images": tally.images,
        "batch": BATCH,
        "torch": torch.__version__,
        "device": job.model.device.type,
    }
    yield Shard(tuple(range(classes)), tally.finish(), made=made)
    job.tick(len(missing) - ticked)


def tallied(
    model: Model,
    images: Images,
    classes: int,
    partial: Path,
    tick: Callable[[int], None],
    batch: int = BATCH,
) -> Tally:
    """What the network answers to all images; those without an answer are passed over.

    Args:
        classes: outputs of the network.
        partial: a file for what was seen so far; it is gone at the end.
        tick: called with the number of images that are behind, so far.
    """
    manifest = images.manifest
    number = {word: at for at, word in enumerate(manifest.labels)}
    labels = np.array([number.get(each.label, -1) for each in manifest.photographs], np.int64)
    tally = Tally(classes, len(number))
    following = _resumed(tally, partial)
    saved = time.monotonic()
    for found in images.batches(batch, first=following, skipped={}):
        with torch.inference_mode():
            values = scores(model, model.shown(found.values)).float()
            shares = probabilities(values).cpu().numpy()
        numbers = np.array(found.numbers, np.int64)
        # NaN or infinite scores are no answer: such an image is not counted.
        sound = np.isfinite(shares).all(axis=1)
        if sound.any():
            tally.update(numbers[sound], labels[numbers[sound]], shares[sound])
        following = found.numbers[-1] + 1
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save_state(partial, tally.state() | {FOLLOWING: np.array([following])})
            saved = time.monotonic()
        tick(following)
    partial.unlink(missing_ok=True)
    return tally


def _resumed(tally: Tally, partial: Path) -> int:
    """The number of the first image to see, where an earlier pass ended."""
    found = load_state(partial)
    if found is None:
        return 0
    state = dict(found)
    following = state.pop(FOLLOWING, np.zeros(1, np.int64))
    return int(following[0]) if tally.restore(state) else 0
