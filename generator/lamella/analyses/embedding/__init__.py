"""Where each unit lies among all units of the network, by what it answers to.

Units are compared by their activation profiles: the correlation, over all photographs, of their
peaks (Li et al. 2016, "Convergent learning", arXiv:1511.07543, compare units so). UMAP (McInnes et
al. 2018), t-SNE (van der Maaten and Hinton 2008) and PCA lay the profiles' sketches out on a plane;
correlated units are found in the sketches themselves, before anything is flattened, and near ones
on the UMAP plane.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from lamella.analyses.embedding.stored import PANEL
from lamella.analyses.embedding.view import figures
from lamella.analyses.panel import Panel, Settings
from lamella.figures import Figure
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


class Options(Settings):
    """`[panels.embedding]`."""

    neighbours: int = Field(15, ge=2, description="UMAP's n_neighbors.")
    spread: float = Field(0.1, ge=0, le=0.99, description="UMAP's min_dist.")
    perplexity: float = Field(30.0, gt=1, description="t-SNE's perplexity.")


class Embedding(Panel):
    """Three maps of all units, and the nearest ones of each."""

    name = PANEL
    title = "Correlated units"
    about = (
        "Units that answer to the same photographs. The number is the correlation, over all "
        "photographs, of their peak activations, estimated from sketches of 256 numbers: right to "
        "about 0.06 where it is weak, 0.01 at 0.9. On the map: the nearest units of the UMAP plane."
    )
    version = 2
    needs = ("survey",)
    uses_images = True
    per = "network"
    uses_seed = True
    shows_photographs = False
    settings = Options

    def wanted(self, job: Job) -> list[int]:
        return list(range(len(job.atlas.units)))

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.embedding.compute import shards

        return shards(job, missing)

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        return figures(facts, channel)
