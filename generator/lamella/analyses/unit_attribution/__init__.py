"""What in its strongest photographs excites a unit: by guided backpropagation and under masks.

Sources: Springenberg, Dosovitskiy, Brox and Riedmiller 2015, "Striving for simplicity"; Zeiler and
Fergus 2014, "Visualizing and understanding convolutional networks".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from lamella.analyses.panel import Panel, Settings
from lamella.analyses.unit_attribution.stored import PANEL
from lamella.analyses.unit_attribution.view import figures
from lamella.figures import Figure
from lamella.network.units import Layer
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Options(Settings):
    """`[panels.unit_attribution]`."""

    examples: int = Field(
        3, ge=1, le=12, description="How many of a unit's strongest photographs are explained."
    )
    cells: int = Field(
        7,
        ge=2,
        le=32,
        description="Masks along each side of what a unit sees; of the whole image where it sees "
        "more than about half of it.",
    )
    mask: float = Field(
        1.5, ge=1, le=8, description="Side of a mask, in spacings between neighbouring masks."
    )
    side: int = Field(96, ge=16, le=256, description="Side of a map on the site, in pixels.")
    quality: int = Field(70, ge=1, le=100, description="Quality of the WebP pictures.")


class UnitAttribution(Panel):
    """Guided map, map under masks and where they agree, on one sheet per unit."""

    name = PANEL
    formerly = ("attribution",)
    title = "Attribution"
    about = (
        "What the unit sees of its strongest photographs, and two ways to ask what in it the unit "
        "answers to. Guided backprop goes back from the activation to the pixels and keeps only "
        "what raises it: grey is nothing, and a colour says that more of it there would excite the "
        "unit more. It knows nothing of what holds the unit back. Occlusion covers one place after "
        "another with the network's mean colour: yellow is where the unit loses most, blue where "
        "it gains, grey where nothing changes. It sees only what a patch of that size covers, and "
        "a patch brings edges of its own. Last, both over what the unit sees, each as far as it "
        "reaches half of its maximum: guided backprop within the whole line, occlusion within the "
        "dashed one, dark what neither marks. Where the two disagree, neither alone is the truth."
    )
    needs = ("survey", "dataset_examples")
    uses_images = True
    shows_photographs = True
    settings = Options

    def reads(self, settings: Settings) -> tuple[str, ...]:
        return ("survey",)  # the patches of the dataset examples are only shown beside

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        from lamella.analyses.unit_attribution.compute import shards

        return shards(job, todo)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return figures(facts, channel)
