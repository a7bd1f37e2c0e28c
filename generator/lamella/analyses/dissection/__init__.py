"""Network dissection: which units mark a concept that people have a word for.

Source: Bau, Zhou, Khosla, Oliva and Torralba 2017, "Network Dissection", arXiv:1704.05796.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella.analyses.dissection.articles import articles
from lamella.analyses.dissection.settings import Options
from lamella.analyses.dissection.stored import DOCUMENT, PANEL, SCENES
from lamella.analyses.dissection.view import detected, layer_figures, network_figures, unit_figures
from lamella.analyses.panel import Panel, Settings, first_sentence
from lamella.figures import Figure
from lamella.figures.article import Article
from lamella.network.units import Layer
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Dissection(Panel):
    """Five concepts per unit with their IoU, the one that it detects, and its strongest scenes."""

    name = PANEL
    title = "Network dissection"
    about = (
        "Does the unit mark something that people have a word for? Where its map lies above the "
        "threshold that it exceeds at one position in 200 is compared with where each concept is: "
        "intersection over union (IoU). The concept is chosen on one set of images and measured on "
        "another."
    )
    uses_images = True
    uses_seed = True
    shows_photographs = False
    photographic = frozenset({SCENES})
    settings = Options

    def keyed(self, settings: Settings, path: Callable[[str], Path]) -> Mapping[str, Any]:
        from lamella.analyses.dissection.scenes import digest_of_folder

        plain = settings.model_dump(mode="json")
        if plain["scenes"] is not None:
            plain["scenes"] = digest_of_folder(path(plain["scenes"]))
        return plain

    def check(self, job: Job) -> None:
        if job.recall(DOCUMENT) is None:
            from lamella.analyses.dissection.compute import labelled_images

            labelled_images(job).check()

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        for _, shard in self.compute_layers(job, [(layer, channels)]):
            yield shard

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        from lamella.analyses.dissection.compute import shards

        return shards(job, todo)

    def labels(self, facts: LayerFacts) -> Sequence[str]:
        return detected(facts)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return unit_figures(facts, channel)

    def summary(self, facts: LayerFacts, channel: int, shown: tuple[Figure, ...]) -> str:
        return first_sentence(shown)

    def view_layer(self, facts: LayerFacts) -> tuple[Figure, ...]:
        return layer_figures(facts)

    def view_network(self, atlas: Atlas) -> tuple[Figure, ...]:
        return network_figures(atlas)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return articles(atlas)
