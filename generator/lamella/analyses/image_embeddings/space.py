"""Image embeddings: who is near whom, and the planes that keep as much of it as they can.

Flow: features -> neighbours, layouts -> **space** -> compute. What grows faster than the images is
done for a sample of at most so many; images are numbered by a digest of their content, so the first
are a random sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.image_embeddings.features import Features
from lamella.analyses.image_embeddings.neighbours import (
    KINDS,
    Agreement,
    Found,
    agreement,
    nearest,
    queries,
)
from lamella.analyses.image_embeddings.settings import Options
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

KEPT = 10  # neighbours of which a map should keep as many as it can


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


def image_space(found: Features, labels: NDArray[np.int64], options: Options, seed: int) -> Space:
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
