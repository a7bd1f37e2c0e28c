"""The maps of all units, and for each the correlated and the near ones.

Flow: survey's profiles -> correlation, numbers/layouts -> **compute** -> store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.embedding.correlation import NEAREST, correlated
from lamella.analyses.embedding.stored import LISTS
from lamella.engines.interrupts import interruptible
from lamella.numbers.layouts import Points, fitted, layouts
from lamella.store.store import Shard

if TYPE_CHECKING:
    from lamella.analyses.job import Job


def shards(job: Job, missing: list[int]) -> Iterator[Shard]:
    """One shard of all units that are missing; everything is worked out on all units."""
    options = job.settings
    profiles = np.concatenate(
        [facts.of("survey")["profile"] for facts in job.atlas.layers()], axis=0
    )
    # A unit that answers alike to every image has no place among the others.
    placed = np.flatnonzero(np.abs(profiles).max(axis=1) > 0)
    live = profiles[placed]
    numbers: dict[str, NDArray[Any]] = {"placed": np.zeros(len(profiles), np.uint8)}
    numbers["placed"][placed] = 1
    for name, points in interruptible(lambda: layouts(live, options, job.seed)).items():
        numbers[name] = np.zeros((len(profiles), 2), np.float32)
        numbers[name][placed] = fitted(points)
    stops = list(job.atlas.offsets.values())[1:]  # where all layers' units but the last's end
    sizes = [int(part.sum()) for part in np.split(numbers["placed"], stops)]
    for name, found in zip(LISTS, correlated(live, sizes), strict=True):
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


def nearest_on_plane(points: Points) -> NDArray[np.int64]:
    """The units that lie nearest to each on a plane."""
    from sklearn.neighbors import NearestNeighbors

    kept = min(NEAREST, len(points) - 1)
    if kept < 1:
        return np.zeros((len(points), 0), np.int64)
    index = NearestNeighbors(n_neighbors=kept).fit(points)
    return np.asarray(index.kneighbors(return_distance=False), dtype=np.int64)
