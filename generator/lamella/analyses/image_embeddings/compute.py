"""Neighbours, maps and grids of images, from their features.

Flow: features -> **making** -> store. What grows faster than the images is done for a sample of at
most so many; images are numbered by a digest of their content, so the first are a random sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.image_embeddings.features import Features
from lamella.analyses.image_embeddings.grid import assigned, columns_for
from lamella.analyses.image_embeddings.mosaic import Mosaic, drawn, gridded, stored
from lamella.analyses.image_embeddings.neighbours import (
    KINDS,
    Agreement,
    Found,
    agreement,
    nearest,
    queries,
)
from lamella.analyses.image_embeddings.scatter import scattered
from lamella.numbers.layouts import (
    FEWEST,
    Layout,
    Points,
    fitted,
    plane,
    principal,
    tsne_plane,
    umap_plane,
)
from lamella.store.store import Shard

METHODS = ("pca", "tsne", "umap")
KEPT = 10  # neighbours of which a map should keep as many as it can


class Options(Layout, Protocol):
    """What a user may set: see `panels/images.py`."""

    @property
    def queries(self) -> int: ...
    @property
    def nearest(self) -> int: ...
    @property
    def exact(self) -> int: ...
    @property
    def mapped(self) -> int: ...
    @property
    def shown(self) -> int: ...
    @property
    def thumbnail(self) -> int: ...
    @property
    def quality(self) -> int: ...


@dataclass(frozen=True)
class Space:
    """What was found; rows as in the features.

    Attributes:
        neighbours: for each kind of distance, (row, neighbour).
        planes: for each method, the first rows in the unit square, (row, 2); empty where images
            are too few or all alike.
        explained: the share of the variance that each principal axis keeps.
        kept: for each method, the share of an image's KEPT nearest by L2 that are among its KEPT
            nearest on the plane; and what it would be by chance.
        agreement: of neighbours with labels; None without.
        queries: rows whose neighbours are shown.
    """

    neighbours: dict[str, Found]
    planes: dict[str, Points]
    explained: NDArray[np.float64]
    kept: dict[str, float]
    agreement: Agreement | None
    queries: list[int]


def explored(found: Features, labels: NDArray[np.int64], options: Options, seed: int) -> Space:
    """Neighbours of all images, and planes of at most `options.mapped` of them.

    Args:
        labels: a number for each row, -1 for none.
    """
    points = {"l2": found.vectors, "cosine": found.vectors, "pixels": found.pixels}
    neighbours = {
        kind: nearest(
            points[kind],
            max(KEPT, options.nearest),
            "cosine" if kind == "cosine" else "euclidean",
            exact=options.exact,
            seed=seed,
        )
        for kind in KINDS
    }
    sample = np.asarray(found.vectors[: options.mapped])
    planes, explained = laid_out(sample, options, seed)
    few = {kind: rows[:, : options.nearest] for kind, rows in neighbours.items()}
    return Space(
        neighbours=few,
        planes=planes,
        explained=explained,
        kept=preserved(sample, planes, options.exact, seed),
        agreement=agreement(few, labels),
        queries=queries(labels, options.queries) if few["l2"].shape[1] else [],
    )


def laid_out(
    sample: Points, options: Layout, seed: int
) -> tuple[dict[str, Points], NDArray[np.float64]]:
    """The planes that so many images allow, and the shares of the principal axes."""
    # Equal images may differ in the last bit, after another batch's arithmetic.
    size = float(np.abs(sample).max()) or 1.0
    if len(sample) < 2 or float(np.ptp(sample, axis=0).max()) <= 1e-5 * size:
        return {}, np.zeros(0)
    many = len(sample) >= 10 * sample.shape[1]
    reduced, explained = principal(sample, solver="covariance_eigh" if many else "full")
    start = plane(reduced)
    planes = {"pca": start.astype(np.float32)}
    if len(sample) >= FEWEST:
        planes["tsne"] = tsne_plane(reduced, options, seed)
        planes["umap"] = umap_plane(sample, start, options, seed)
    return {method: fitted(points) for method, points in planes.items()}, explained


def preserved(sample: Points, planes: dict[str, Points], exact: int, seed: int) -> dict[str, float]:
    """How much of its neighbourhood an image keeps on each plane, and by chance."""
    number = min(KEPT, len(sample) - 1)
    if not planes or len(sample) <= 2 * KEPT:  # with so few, everything is near
        return {}
    true = np.sort(nearest(sample, number, "euclidean", exact=exact, seed=seed), axis=1)
    shares = {}
    for method, points in planes.items():
        near = nearest(points, number, "euclidean", exact=exact, seed=seed)
        shares[method] = float((near[:, :, None] == true[:, None, :]).any(axis=2).mean())
    return {**shares, "chance": number / (len(sample) - 1)}


def mosaics(
    space: Space, found: Features, options: Options, first: int
) -> Iterator[tuple[Mosaic, Shard]]:
    """A map and a grid for each plane.

    Args:
        first: the first free entry number.
    """
    shown = len(found.thumbnails)
    numbers = found.numbers.tolist()
    side = options.thumbnail
    for method in METHODS:
        if method not in space.planes:
            continue
        points = space.planes[method][:shown]
        columns = columns_for(shown)
        cells = assigned(points, columns)
        for kind, (size, placed) in (
            ("map", scattered(points, side)),
            ("grid", gridded(cells.tolist(), columns, side)),
        ):
            picture = drawn(size, placed, found.thumbnails)
            name = f"{method}-{kind}"
            mosaic, shard = stored(name, picture, placed, numbers, first, options.quality)
            first += len(shard.channels)
            yield mosaic, shard


def document(space: Space, found: Features, options: Options) -> dict[str, Any]:
    """What the pages must know, in plain values and by the images' numbers."""
    numbers = found.numbers
    told = space.agreement
    return {
        "images": len(numbers),
        "dimensions": found.vectors.shape[1],
        "exact": len(numbers) <= options.exact,
        "limits": {
            name: getattr(options, name) for name in ("exact", "mapped", "shown", "thumbnail")
        },
        "mapped": min(len(numbers), options.mapped),
        "shown": len(found.thumbnails),
        "explained": [float(share) for share in space.explained],
        "kept": space.kept,
        "agreement": told and {"shares": told.shares, "chance": told.chance, "images": told.images},
        "nearest": space.neighbours["l2"].shape[1],
        "queries": [
            {
                "image": int(numbers[row]),
                **{kind: numbers[rows[row]].tolist() for kind, rows in space.neighbours.items()},
            }
            for row in space.queries
        ],
    }
