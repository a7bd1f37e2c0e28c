"""Where each unit lies among all units of the network, by what it answers to.

Units are compared by their activation profiles: the correlation, over all photographs, of their
peaks (Li et al. 2016, "Convergent learning", arXiv:1511.07543, compare units so). UMAP (McInnes et
al. 2018), t-SNE (van der Maaten and Hinton 2008) and PCA lay the profiles' sketches out on a plane;
correlated units are found in the sketches themselves, before anything is flattened, and near ones
on the UMAP plane.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lamella.analyses.embedding.correlation import NEAREST, NOTABLE, by_chance, correlated
from lamella.analyses.panel import Panel, Settings
from lamella.engines.interrupts import interruptible
from lamella.figures import Figure, Gallery, Tile
from lamella.figures.published import thumbnail, unit_page
from lamella.numbers.layouts import Points, fitted, layouts
from lamella.store.facts import Atlas, LayerFacts, PanelFacts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job

AGAINST = "Strong where this unit is weak."


class Options(Settings):
    """`[panels.embedding]`."""

    neighbours: int = Field(15, ge=2, description="UMAP's n_neighbors.")
    spread: float = Field(0.1, ge=0, le=0.99, description="UMAP's min_dist.")
    perplexity: float = Field(30.0, gt=1, description="t-SNE's perplexity.")


class Embedding(Panel):
    """Three maps of all units, and the nearest ones of each."""

    name = "embedding"
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
    settings = Options

    def wanted(self, job: Job) -> list[int]:
        return list(range(len(job.atlas.units)))

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        options: Options = job.settings
        profiles = np.concatenate(
            [facts.of("survey")["profile"] for facts in job.atlas.layers()], axis=0
        )
        # A unit that answers alike to every image has no place among the others.
        placed = np.flatnonzero(np.abs(profiles).max(axis=1) > 0)
        known = profiles[placed]
        numbers: dict[str, NDArray[Any]] = {"placed": np.zeros(len(profiles), np.uint8)}
        numbers["placed"][placed] = 1
        for name, points in interruptible(lambda: layouts(known, options, job.seed)).items():
            numbers[name] = np.zeros((len(profiles), 2), np.float32)
            numbers[name][placed] = fitted(points)
        sizes = [int(part.sum()) for part in np.split(numbers["placed"], _stops(job.atlas))]
        for name, found in zip(("own", "other", "least"), correlated(known, sizes), strict=True):
            units, values = (
                np.full((len(profiles), found.unit.shape[1]), empty, each.dtype)
                for each, empty in ((found.unit, -1), (found.correlation, 0))
            )
            units[placed] = np.where(found.unit >= 0, placed[found.unit], -1)
            values[placed] = found.correlation
            numbers |= {f"{name}_unit": units, f"{name}_correlation": values}
        on_map = nearest_on_plane(numbers["umap"][placed])
        numbers["on_map"] = np.full((len(profiles), NEAREST), -1, np.int32)
        numbers["on_map"][placed, : on_map.shape[1]] = placed[on_map]
        yield Shard(tuple(missing), numbers={k: v[missing] for k, v in numbers.items()})
        job.tick(len(missing))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        whole = facts.atlas.of_units(self.name)
        unit = facts.atlas.offsets[facts.layer.name] + channel
        if whole is None or not whole.present[unit] or not whole["placed"][unit]:
            return ()
        return tuple(_galleries(facts, whole, unit))


def _galleries(facts: LayerFacts, whole: PanelFacts, unit: int) -> Iterator[Gallery]:
    """The units correlated with one, those that answer where it does not, those near it."""
    atlas = facts.atlas
    inside = facts.layer.channels
    for name, title, units in (
        ("own", "In its own layer", inside - 1),
        ("other", "In other layers", len(atlas.units) - inside),
    ):
        least = by_chance(units)
        found = _tiles(atlas, whole, name, unit, low=least)
        if found or units > 0:
            note = "" if found else f"None above {least:.2f}, what chance may reach."
            yield Gallery(title, found, note=note, size="small")
    against = _tiles(atlas, whole, "least", unit, high=NOTABLE)
    if against:
        yield Gallery("Against it", against, note=AGAINST, size="small")
    on_map = tuple(
        Tile(thumbnail(atlas, other), str(other), link=unit_page(atlas, other))
        for other in (atlas.units[at] for at in whole["on_map"][unit].tolist() if at >= 0)
    )
    if on_map:
        yield Gallery("On the map", on_map, size="small")


def _tiles(
    atlas: Atlas, whole: PanelFacts, name: str, unit: int, low: float = -1.1, high: float = 1.1
) -> tuple[Tile, ...]:
    """Units of a list whose correlation lies between two values, each a link to its page."""
    columns = (whole[f"{name}_{what}"][unit].tolist() for what in ("unit", "correlation"))
    return tuple(
        Tile(
            thumbnail(atlas, atlas.units[at]),
            f"channel {atlas.units[at].channel}" if name == "own" else str(atlas.units[at]),
            f"{correlation:.2f}".replace("-", "−"),
            link=unit_page(atlas, atlas.units[at]),
        )
        for at, correlation in zip(*columns, strict=True)
        if at >= 0 and low <= correlation <= high
    )


def _stops(atlas: Atlas) -> list[int]:
    """Where the units of each layer but the last end."""
    return list(atlas.offsets.values())[1:]


def nearest_on_plane(points: Points) -> NDArray[np.int64]:
    """The units that lie nearest to each on a plane."""
    from sklearn.neighbors import NearestNeighbors

    kept = min(NEAREST, len(points) - 1)
    if kept < 1:
        return np.zeros((len(points), 0), np.int64)
    index = NearestNeighbors(n_neighbors=kept).fit(points)
    return np.asarray(index.kneighbors(return_distance=False), dtype=np.int64)
