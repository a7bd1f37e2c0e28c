"""What kinds of thing a unit's strongest photographs show: one row of patches for each.

Source: Olah et al. 2020, "Zoom In", doi:10.23915/distill.00024.001, on polysemantic neurons. How
examples are told apart, and what the score means, is said in `lamella/facets.py`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.facets.clusters import APART, SAMPLED, SHARP, background, facets
from lamella.analyses.facets.overview import layer_figures, network_figures
from lamella.analyses.panel import Panel
from lamella.figures import Figure, Gallery, Tile, short
from lamella.figures.patches import cut_out
from lamella.figures.published import unit_picture
from lamella.network.units import Layer
from lamella.store.facts import Atlas, LayerFacts, PanelFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job

PATCHES = "dataset_examples", "patches"  # whose sheet the cells are taken from
HELD = 512 * 2**20  # bytes of sketches that are in memory at once
ROW = 8  # patches of a kind that are shown
NAMED = 3  # labels of a kind that are named
NUMBERS = {2: "two", 3: "three", 4: "four"}


class Facets(Panel):
    """Per unit the kind of each example, their number, and the polysemanticity score."""

    name = "facets"
    title = "Facets"
    about = (
        "The photographs that excite this unit most, grouped by what the other units of its layer "
        "say of them. Score 0: the groups are as alike as one is with itself; 1: as unlike "
        f"as photographs of two units picked at random. From {APART} on they count as several "
        "kinds; a unit with one kind has around 0.5. Where few photographs show what a unit looks "
        "for, the last of the 24 are strays, which look like one more kind."
    )
    needs = ("survey",)
    uses_images = True

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        from lamella.survey.places import Places, sketches_at

        for group in _runs(job, todo):
            seen = {layer.name: examples(job.atlas.layer(layer)) for layer, _ in group}
            sampled = {name: sample(images) for name, (images, _, _) in seen.items()}
            wanted = {}
            for layer, channels in group:
                images, row, column = (each.astype(np.int64) for each in seen[layer.name])
                nobody = np.setdiff1d(
                    np.arange(layer.channels), np.union1d(channels, sampled[layer.name])
                )
                images[nobody] = -1
                wanted[layer.name] = Places(images, row, column)
            sketches = sketches_at(job.model, job.images, wanted)
            for layer, channels in group:
                some = sampled[layer.name]
                yield layer, shard_of(channels, sketches[layer.name], seen[layer.name][0], some)
                job.tick(len(channels))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        own = facts.of(self.name)
        if not own.present[channel] or facts.silent(channel):
            return ()
        group = own["group"][channel]
        found = [np.flatnonzero(group == kind) for kind in range(int(own["facets"][channel]))]
        said = _sentence(own, channel)
        if len(found) < 2:
            return (Gallery("", (), note=said),)
        words = [_words(facts, channel, kind) for kind in found]
        if unit_picture(facts, *PATCHES, channel, "") is None or facts.atlas.publish == "none":
            named = "; ".join(f"{len(kind)}{word}" for kind, word in zip(found, words, strict=True))
            return (Gallery("", (), note=f"{said} Photographs of each: {named}."),)
        galleries = [
            Gallery(
                f"Kind {at + 1}: {len(kind)} of {sum(map(len, found))} photographs{word}"
                + (f"; the strongest {ROW}" if len(kind) > ROW else ""),
                tuple(_tiles(facts, channel, kind[:ROW])),
            )
            for at, (kind, word) in enumerate(zip(found, words, strict=True))
        ]
        return (Gallery("", (), note=said), *galleries)

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        return layer_figures(facts, facts.of(self.name))

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        return network_figures(atlas, self.name)


def _runs(
    job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
) -> Iterator[list[tuple[Layer, Sequence[int]]]]:
    """Layers whose sketches fit into memory together: one pass over the images for each run."""
    from lamella.survey.places import WIDTH

    run: list[tuple[Layer, Sequence[int]]] = []
    held = 0
    for layer, channels in todo:
        images = job.atlas.layer(layer).of("survey")["top_image"]
        size = images.size * WIDTH * 4
        if run and held + size > HELD:
            yield run
            run, held = [], 0
        run.append((layer, channels))
        held += size
    if run:
        yield run


def examples(
    facts: LayerFacts,
) -> tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.int16]]:
    """The image, row and column of all units' strongest examples, `(channel, example)` each.

    The image is -1 where there is none, and where nothing excites a unit that is never negative.
    """
    survey = facts.of("survey")
    images = survey["top_image"].copy()
    if not facts.layer.signed:
        images[survey["top_activation"] <= 0] = -1
    return images, survey["top_row"], survey["top_column"]


def sample(images: NDArray[np.int32]) -> NDArray[np.int64]:
    """Units evenly spread over a layer, of those that have examples: its background's."""
    live = np.flatnonzero((images >= 0).any(axis=1))
    at = np.linspace(0, len(live) - 1, min(SAMPLED, len(live)))
    spread: NDArray[np.int64] = live[at.round().astype(np.int64)]
    return spread


def shard_of(
    channels: Sequence[int],
    sketches: NDArray[np.float32],
    images: NDArray[np.int32],
    sampled: NDArray[np.int64],
) -> Shard:
    """The kinds of some units of a layer.

    Args:
        sketches: of all its units' examples, `(channel, example, width)`.
        images: -1 where there is no example, `(channel, example)`.
        sampled: the units that the background is taken from.
    """
    behind = background([sketches[channel][images[channel] >= 0] for channel in sampled])
    group = np.full((len(channels), images.shape[1]), -1, np.int8)
    found = []
    for at, channel in enumerate(channels):
        known = images[channel] >= 0
        kinds = facets(sketches[channel][known], behind)
        group[at, known] = kinds.group
        found.append(kinds)
    return Shard(
        tuple(channels),
        numbers={
            "group": group,
            "facets": np.array([kinds.number for kinds in found], np.int8),
            "score": np.array([kinds.score for kinds in found], np.float32),
            "silhouette": np.array([kinds.silhouette for kinds in found], np.float32),
        },
        made={"background": None if math.isnan(behind) else round(behind, 4)},
    )


def _sentence(own: PanelFacts, channel: int) -> str:
    """How many kinds there are, and how sure that is."""
    number, score = int(own["facets"][channel]), float(own["score"][channel])
    listed = int((own["group"][channel] >= 0).sum())
    if math.isnan(score):
        few = "photograph excites" if listed == 1 else "photographs excite"
        return f"Only {listed} {few} this unit: too few to tell kinds apart."
    numbers = f"polysemanticity score {score:.2f}"
    if number == 1:
        return f"One kind, as far as the {listed} strongest photographs tell: {numbers}."
    silhouette = float(own["silhouette"][channel])
    sure = "clearly apart" if silhouette >= SHARP else "apart on the whole, but not sharply"
    return (
        f"The {listed} strongest photographs are of {NUMBERS[number]} kinds, {sure}: {numbers}, "
        f"silhouette {silhouette:.2f}."
    )


def _words(facts: LayerFacts, channel: int, kind: NDArray[np.int64]) -> str:
    """The most frequent labels of a kind, ": cat 5, dog 2"; "" where there are none."""
    images = facts.of("survey")["top_image"][channel][kind].tolist()
    counts = Counter(facts.manifest.photographs[image].label for image in images)
    del counts[""]
    named = [f"{label} {number}" for label, number in counts.most_common(NAMED)]
    more = ", ..." if len(counts) > NAMED else ""
    return f": {', '.join(named)}{more}" if named else ""


def _tiles(facts: LayerFacts, channel: int, kind: NDArray[np.int64]) -> Iterator[Tile]:
    """The patches of some examples, from the sheet of the dataset examples."""
    survey = facts.of("survey")
    sheet = unit_picture(facts, *PATCHES, channel, "")
    cells = facts.of(PATCHES[0]).sheets[PATCHES[1]]
    for place in kind.tolist():
        if sheet is None or place >= cells.columns * cells.rows:
            continue
        label = facts.manifest.photographs[int(survey["top_image"][channel, place])].label
        activation = float(survey["top_activation"][channel, place])
        box = facts.layer.box(
            int(survey["top_row"][channel, place]),
            int(survey["top_column"][channel, place]),
            *facts.network.size,
        )
        picture = cut_out(sheet, cells, place, label or "photograph", activation, box)
        yield Tile(picture, short(activation), label)
