"""The photographs that excite each unit most: the patch that it sees, and the whole image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from pydantic import Field

from lamella.analyses.dataset_examples.stored import PANEL, number_of_examples
from lamella.analyses.dataset_examples.view import figures
from lamella.analyses.panel import Panel, Settings
from lamella.errors import ConfigError
from lamella.figures import Figure
from lamella.network.units import Layer
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Options(Settings):
    """`[panels.dataset_examples]`."""

    side: int = Field(96, ge=16, le=512, description="Side of a patch on the site, in pixels.")
    quality: int = Field(72, ge=1, le=100, description="Quality of the WebP pictures.")
    one_per_class: bool = Field(
        False,
        description="Show the strongest photograph of each label, in place of the strongest "
        "photographs whatever they show.",
    )


class DatasetExamples(Panel):
    """Patches per unit on one sheet, strongest first, and a thumbnail of the first.

    With `one_per_class` a second sheet holds the strongest patch of each label.
    """

    name = PANEL
    title = "Dataset examples"
    about = (
        "The photographs that excite this unit most, one place in each, strongest first: the part "
        "that the unit sees, and beside it the whole photograph with that part in a frame."
    )
    version = 2
    needs = ("survey",)
    uses_images = True
    shows_photographs = True
    settings = Options

    def reads(self, settings: Settings) -> tuple[str, ...]:
        one_per_class = isinstance(settings, Options) and settings.one_per_class
        return (*self.needs, "labels") if one_per_class else self.needs

    def check(self, job: Job) -> None:
        if job.settings.one_per_class and not job.atlas.manifest.labels:
            raise ConfigError(
                "[panels.dataset_examples] one_per_class: none of the photographs has a label.",
                'Put them into one folder per class, with [images] labels = "folder", or let their '
                'file names begin with it, with labels = "file"; or take one_per_class out.',
            )

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        from lamella.analyses.dataset_examples.compute import shards

        return shards(job, layer, channels)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return figures(facts, channel)

    def columns(self, facts: LayerFacts) -> Mapping[str, NDArray[Any]]:
        return {"examples": number_of_examples(facts)}
