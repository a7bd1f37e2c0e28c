"""Does the picture explain the unit? Two answers that need no people.

The exam (Zimmermann, Klindt and Brendel, NeurIPS 2024): can the picture tell photographs that
excite the unit from those that do not? See `lamella.analyses.interpretability.score`. The path
(Geirhos et al., ICML 2024): does the network treat the picture as it treats those photographs? See
`lamella.analyses.interpretability.path_similarity`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from lamella.analyses.panel import Panel, Settings
from lamella.figures import Figure, Lines, Series, Table
from lamella.network.units import Layer
from lamella.store.facts import LayerFacts, PanelFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job

SHARD = 64
# What explains, by what it is stored under, in a reader's words.
KINDS = (
    ("picture", "The picture"),
    ("natural", "Its photographs"),
    ("shuffled", "Photographs of other units"),
)
PATH_NOTE = (
    "Rank correlation of a layer's channels between two images, one of them a photograph that "
    "excites the unit most. Where the picture's line runs with that of other units' photographs, "
    "it takes another path to the unit than photographs do."
)
JUDGES = {
    "texture": "Likeness is told by statistics of colour and texture, without any network; it does "
    "not know what things are.",
    "network": "Likeness is told by this layer of the studied network itself, which favours "
    "pictures that were made with it.",
}


class Options(Settings):
    """`[panels.interpretability]`."""

    tasks: int = Field(20, ge=1, description="Tasks per unit: pairs of photographs to tell apart.")
    similarity: Literal["texture", "network"] = Field(
        "texture",
        description="What judges two images alike: statistics of colour and texture, or the "
        "studied network's own layer, which favours pictures that were made with it.",
    )


class Interpretability(Panel):
    """Scores of the picture, of photographs, and of what explains nothing."""

    name = "interpretability"
    formerly = ("explanation",)
    title = "Interpretability"
    about = (
        "Of two photographs, one that excites the unit and one that does not, which is which? A "
        "program answers by likeness to what explains the unit; 0.5 is guessing. It is no person: "
        "it was not calibrated on people, so compare units with each other, not with published "
        "scores. People are right in 82 % of such tasks with made pictures, in 92 % with "
        "photographs (Borowski et al. 2021)."
    )
    needs = ("survey", "feature_visualization")
    uses_images = True
    uses_seed = True
    slow = True
    settings = Options

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        import torch

        from lamella.analyses.interpretability.comparison import Comparison
        from lamella.analyses.interpretability.path_similarity import Route
        from lamella.analyses.interpretability.tasks import Exam

        options: Options = job.settings
        made = job.atlas.layer(layer).of("feature_visualization")
        # A unit whose picture is still to be made is left to do.
        todo = [channel for channel in channels if made.present[channel]]
        if not todo:
            return
        comparison = Comparison.of(job, layer)
        exam = Exam(comparison, options.tasks, options.similarity)
        route = Route(comparison)
        for first in range(0, len(todo), SHARD):
            run = tuple(todo[first : first + SHARD])
            encoded = made.pictures.get("picture", {})
            pictures = {channel: decoded(encoded[channel]) for channel in run if channel in encoded}
            yield Shard(
                run,
                numbers={**exam.scores(run, pictures), **route.of(run, pictures)},
                made={
                    "tasks": options.tasks,
                    "similarity": options.similarity,
                    "window": exam.window,
                    "seed": job.seed,
                    "threads": torch.get_num_threads(),
                    "torch": torch.__version__,
                    "device": job.model.device.type,
                },
            )
            job.tick(len(run))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        own = facts.of(self.name)
        return _figures(facts, own, np.array([channel])) if own.present[channel] else ()

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        own = facts.of(self.name)
        return _figures(facts, own, np.flatnonzero(own.present)) if own.present.any() else ()


def decoded(picture: bytes) -> NDArray[np.uint8]:
    """A stored picture as the page shows it, less what WebP lost: sRGB, (row, column, 3)."""
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def _mean(values: NDArray[np.float32]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def _figures(facts: LayerFacts, own: PanelFacts, channels: NDArray[np.int64]) -> tuple[Figure, ...]:
    """The scores and the path of one unit, or the means over several."""
    rows = [
        (word, f"{_mean(own[f'mis_{kind}'][channels]):.2f}", f"{right:.0%}")
        for kind, word in KINDS
        if math.isfinite(right := _mean(own[f"right_{kind}"][channels]))
    ]
    judge = JUDGES.get(own.made.get("similarity", ""), "")
    head = ("What explains it", "Machine interpretability score", "Tasks right")
    scores = (Table("", tuple(rows), head=head, note=judge),) if rows else ()
    path = _path(facts, own, channels)
    return (*scores, *((path,) if path else ()))


def _path(facts: LayerFacts, own: PanelFacts, channels: NDArray[np.int64]) -> Lines | None:
    """The three similarities from the first layer to the unit's own."""
    found = [(word, own[f"path_{kind}"][channels]) for kind, word in KINDS]
    known = np.flatnonzero(np.isfinite([paths for _, paths in found]).any(axis=(0, 1)))
    if not known.size:
        return None
    length = int(known[-1]) + 1
    every = facts.network.layers
    # An atlas of some of the layers does not know what the others are called.
    named = len(every) == found[0][1].shape[1]
    names = tuple(every[at].name if named else str(at + 1) for at in range(length))
    lines = tuple(
        Series(word, tuple(_mean(paths[:, at]) for at in range(length))) for word, paths in found
    )
    ends = ", ".join(f"{line.name.lower()} {line.values[-1]:.2f}" for line in lines)
    return Lines(
        title="The path through the network",
        x=(),
        series=lines,
        alt=f"How alike the activations are to those of photographs that excite the unit, from "
        f"{names[0]} to {names[-1]}; in the last: {ends}.",
        x_label="layer",
        y_label="rank correlation",
        names=names,
        note=PATH_NOTE,
    )
