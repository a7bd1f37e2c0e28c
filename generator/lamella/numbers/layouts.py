"""Points of many dimensions, laid out on a plane: PCA, t-SNE, UMAP.

Flow: **layouts** -> embedding, image_embeddings. Units by their activations over the images and
images by a layer's activations go through the same three. All start from the same principal axes,
whose sign is fixed, and from one seed, so that the same points give the same bytes on the same
machine.

Sources: van der Maaten and Hinton 2008, JMLR 9 (t-SNE); McInnes, Healy and Melville 2018,
arXiv:1802.03426 (UMAP).
"""

from __future__ import annotations

import warnings
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Reals = NDArray[np.float64]

REDUCED = 50  # principal components that t-SNE sees
FEWEST = 4  # points that t-SNE and UMAP need


class Layout(Protocol):
    """The settings of the layouts: UMAP's neighbours and least distance, t-SNE's perplexity."""

    @property
    def neighbours(self) -> int: ...
    @property
    def spread(self) -> float: ...
    @property
    def perplexity(self) -> float: ...


def layouts(points: Points, options: Layout, seed: int) -> dict[str, Points]:
    """The three planes, each (point, 2); points in a line where there are too few to lay out."""
    number = len(points)
    if number < FEWEST:
        line = np.stack([np.arange(number), np.zeros(number)], axis=1).astype(np.float32)
        return {"umap": line, "tsne": line, "pca": line}
    reduced, _ = principal(points)
    start = plane(reduced)
    return {
        "umap": umap_plane(points, start, options, seed),
        "tsne": tsne_plane(reduced, options, seed),
        "pca": start.astype(np.float32),
    }


def principal(
    points: Points, width: int = REDUCED, solver: str = "full"
) -> tuple[Reals, NDArray[np.float64]]:
    """The points along their principal axes, and each axis' share of the variance.

    Args:
        points: (point, dimension), two or more.
        solver: scikit-learn's: "full" by SVD; "covariance_eigh" is faster for many points, and
            less exact where the variance is next to nothing.
    Returns:
        (point, axis) and (axis,), `width` axes or as many as there are; shares are 0 where the
        points do not vary at all.
    """
    from sklearn.decomposition import PCA

    width = min(width, len(points) - 1, points.shape[1])
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing varies
        pca = PCA(width, svd_solver=solver)
        reduced = pca.fit_transform(points.astype(np.float64))
    # The sign of a principal axis is arbitrary; a fixed one keeps the page's bytes.
    reduced *= np.sign(reduced[np.abs(reduced).argmax(axis=0), np.arange(width)])
    return reduced, np.nan_to_num(pca.explained_variance_ratio_)


def plane(reduced: Reals) -> Reals:
    """The first two principal axes, (point, 2); the only one twice where there is but one."""
    return reduced[:, :2] if reduced.shape[1] > 1 else np.repeat(reduced, 2, axis=1)


def umap_plane(
    points: Points,
    start: Reals,
    options: Layout,
    seed: int,
    near: tuple[NDArray[np.int32], Points] | None = None,
) -> Points:
    """UMAP by cosine, begun from `start`; its neighbours are approximate from 4,096 points on.

    Args:
        near: the nearest points of each, itself first, and how far they are, where that is known.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap warns that a seed costs it its threads
        import umap

        scaled = (start / max(1e-12, np.abs(start).max()) * 10).astype(np.float32)
        if np.ptp(scaled, axis=0).min() == 0:  # umap divides by the extent along each axis
            scaled += np.random.default_rng(seed).normal(0, 1e-3, scaled.shape).astype(np.float32)
        fitted_map = umap.UMAP(
            n_neighbors=min(options.neighbours, len(points) - 1),
            min_dist=options.spread,
            metric="cosine",
            init=scaled,
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(None, None, None) if near is None else (*near, None),
        )
        return np.asarray(fitted_map.fit_transform(points), dtype=np.float32)


def tsne_plane(reduced: Reals, options: Layout, seed: int) -> Points:
    """t-SNE by Euclidean distance along the principal axes, with Barnes and Hut's approximation."""
    from sklearn.manifold import TSNE

    if reduced.shape[1] < 2:
        reduced = plane(reduced)
    perplexity = min(options.perplexity, (len(reduced) - 1) / 3)
    layout = TSNE(perplexity=perplexity, init="pca", random_state=seed, n_jobs=1)
    return np.asarray(layout.fit_transform(reduced), dtype=np.float32)


def fitted(points: Points) -> Points:
    """Points moved and scaled into the unit square, their proportions kept; of none, none."""
    if not len(points):
        return points
    low, high = points.min(axis=0), points.max(axis=0)
    extent = max(float((high - low).max()), 1e-12)
    inside: Points = ((points - (low + high) / 2) / extent + 0.5).clip(0, 1).astype(np.float32)
    return inside
