"""Where each unit lies among all units of the network, by what it answers to.

Units are compared by their activation profiles: the correlation, over all photographs, of their
peaks. UMAP (McInnes et al. 2018), t-SNE (van der Maaten and Hinton 2008) and PCA lay the profiles'
sketches out on a plane; nearest units are found in the sketches themselves, before anything is
flattened, and on the UMAP plane.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lamella.facts import LayerFacts
from lamella.figures import Figure, Gallery, Tile
from lamella.interrupts import heard
from lamella.panels.base import Panel, Settings
from lamella.store import Shard

if TYPE_CHECKING:
    from lamella.job import Job

NEAREST = 8
Points = NDArray[np.float32]


class Options(Settings):
    """`[panels.embedding]`."""

    neighbours: int = Field(15, ge=2, description="UMAP's n_neighbors.")
    spread: float = Field(0.1, ge=0, le=0.99, description="UMAP's min_dist.")
    perplexity: float = Field(30.0, gt=1, description="t-SNE's perplexity.")


class Embedding(Panel):
    """Three maps of all units, and the nearest ones of each."""

    name: ClassVar[str] = "embedding"
    title: ClassVar[str] = "Nearest units"
    about: ClassVar[str] = (
        "Units of the whole network that answer to the same photographs: the number is the "
        "correlation of their peak activations."
    )
    needs: ClassVar[tuple[str, ...]] = ("survey",)
    uses_images: ClassVar[bool] = True
    per: ClassVar[str] = "network"
    uses_seed: ClassVar[bool] = True
    settings: ClassVar[type[Settings]] = Options

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
        for name, points in heard(lambda: layouts(known, options, job.seed)).items():
            numbers[name] = np.zeros((len(profiles), 2), np.float32)
            numbers[name][placed] = fitted(points)
        near, likeness = nearest(known)
        numbers["nearest"] = np.full((len(profiles), NEAREST), -1, np.int32)
        numbers["similarity"] = np.zeros((len(profiles), NEAREST), np.float32)
        numbers["nearest"][placed, : near.shape[1]] = placed[near]
        numbers["similarity"][placed, : near.shape[1]] = likeness
        on_map = nearest_on_plane(numbers["umap"][placed])
        numbers["on_map"] = np.full((len(profiles), NEAREST), -1, np.int32)
        numbers["on_map"][placed, : on_map.shape[1]] = placed[on_map]
        yield Shard(tuple(missing), numbers={k: v[missing] for k, v in numbers.items()})
        job.tick(len(missing))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        whole = facts.atlas.whole_once(self.name)
        unit = facts.atlas.offsets[facts.layer.name] + channel
        if whole is None or not whole.present[unit] or not whole["placed"][unit]:
            return ()
        units = facts.atlas.units
        by_profile = tuple(
            Tile(
                facts.atlas.thumbnail(units[other]),
                str(units[other]),
                f"{similarity:.2f}",
                link=facts.atlas.page(units[other]),
            )
            for other, similarity in zip(
                whole["nearest"][unit].tolist(), whole["similarity"][unit].tolist(), strict=True
            )
            if other >= 0
        )
        on_map = tuple(
            Tile(
                facts.atlas.thumbnail(units[other]),
                str(units[other]),
                link=facts.atlas.page(units[other]),
            )
            for other in whole["on_map"][unit].tolist()
            if other >= 0
        )
        return (
            Gallery("By what they answer to", by_profile, size="small"),
            Gallery("On the map", on_map, size="small"),
        )


def layouts(profiles: Points, options: Options, seed: int) -> dict[str, Points]:
    """The three planes, each (unit, 2)."""
    from sklearn.decomposition import PCA

    number = len(profiles)
    if number < 4:
        line = np.stack([np.arange(number), np.zeros(number)], axis=1).astype(np.float32)
        return {"umap": line, "tsne": line, "pca": line}
    width = min(50, number - 1, profiles.shape[1])
    reduced = PCA(width, svd_solver="full").fit_transform(profiles.astype(np.float64))
    # The sign of a principal axis is arbitrary; a fixed one keeps the page's bytes.
    reduced *= np.sign(reduced[np.abs(reduced).argmax(axis=0), np.arange(width)])
    plane = reduced[:, :2] if width > 1 else np.repeat(reduced, 2, axis=1)
    return {
        "umap": _umap(profiles, plane, options, seed),
        "tsne": _tsne(reduced, options, seed),
        "pca": plane.astype(np.float32),
    }


def _umap(profiles: Points, start: NDArray[np.float64], options: Options, seed: int) -> Points:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap warns that a seed costs it its threads
        import umap

        scaled = (start / max(1e-12, np.abs(start).max()) * 10).astype(np.float32)
        fitted_map = umap.UMAP(
            n_neighbors=min(options.neighbours, len(profiles) - 1),
            min_dist=options.spread,
            metric="cosine",
            init=scaled,
            random_state=seed,
            n_jobs=1,
        )
        return np.asarray(fitted_map.fit_transform(profiles), dtype=np.float32)


def _tsne(reduced: NDArray[np.float64], options: Options, seed: int) -> Points:
    from sklearn.manifold import TSNE

    perplexity = min(options.perplexity, (len(reduced) - 1) / 3)
    layout = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1)
    return np.asarray(layout.fit_transform(reduced), dtype=np.float32)


def fitted(points: Points) -> Points:
    """Points moved and scaled into the unit square, their proportions kept."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = max(float((high - low).max()), 1e-12)
    inside: Points = ((points - (low + high) / 2) / extent + 0.5).clip(0, 1).astype(np.float32)
    return inside


def nearest(profiles: Points) -> tuple[NDArray[np.int64], Points]:
    """The units with the highest correlation to each, and it: exact, in blocks, no big matrix."""
    kept = min(NEAREST, len(profiles) - 1)
    if kept < 1:
        return np.zeros((len(profiles), 0), np.int64), np.zeros((len(profiles), 0), np.float32)
    found = np.zeros((len(profiles), kept), np.int64)
    likeness = np.zeros((len(profiles), kept), np.float32)
    lengths = np.linalg.norm(profiles, axis=1, keepdims=True)
    unit = profiles / np.maximum(lengths, 1e-12)
    for first in range(0, len(unit), 1024):
        block = unit[first : first + 1024] @ unit.T
        block[np.arange(len(block)), first + np.arange(len(block))] = -np.inf
        order = np.argpartition(-block, kept - 1, axis=1)[:, :kept]
        strongest = np.argsort(-np.take_along_axis(block, order, axis=1), axis=1, kind="stable")
        order = np.take_along_axis(order, strongest, axis=1)
        found[first : first + 1024] = order
        likeness[first : first + 1024] = np.take_along_axis(block, order, axis=1)
    return found, likeness


def nearest_on_plane(points: Points) -> NDArray[np.int64]:
    """The units that lie nearest to each on a plane."""
    from sklearn.neighbors import NearestNeighbors

    kept = min(NEAREST, len(points) - 1)
    if kept < 1:
        return np.zeros((len(points), 0), np.int64)
    index = NearestNeighbors(n_neighbors=kept).fit(points)
    return np.asarray(index.kneighbors(return_distance=False), dtype=np.int64)
