"""The space of images: nearest neighbours, maps and grids of the photographs by their features.

`lamella.imagespace` computes and tells; this file stores. Entries below the number of images are
the images; those from there on are the tiles of the maps and grids.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from lamella.analyses.image_embeddings.view import DOCUMENT, NAME, THUMB, articles
from lamella.analyses.panel import Panel, Settings
from lamella.engines.interrupts import interruptible
from lamella.figures.article import Article
from lamella.figures.encoding import encode
from lamella.store.facts import Atlas
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.image_embeddings.compute import Space
    from lamella.analyses.image_embeddings.features import Features
    from lamella.analyses.job import Job


class Options(Settings):
    """`[panels.image_embeddings]`."""

    layer: str = Field(
        "",
        description="Whose activations, averaged over positions, are an image's features; without "
        "it what the last layer reads.",
    )
    queries: int = Field(16, ge=0, le=500, description="Images whose nearest neighbours are shown.")
    nearest: int = Field(8, ge=1, le=24, description="Neighbours of each.")
    neighbours: int = Field(15, ge=2, description="UMAP's n_neighbors.")
    spread: float = Field(0.1, ge=0, le=0.99, description="UMAP's min_dist.")
    perplexity: float = Field(30.0, gt=1, description="t-SNE's perplexity.")
    exact: int = Field(
        20_000, ge=1, description="Up to so many images neighbours are exact; of more, approximate."
    )
    mapped: int = Field(
        20_000, ge=1, description="Images that are laid out at most; of more, a random sample."
    )
    shown: int = Field(
        2_500, ge=1, description="Images in a map or grid at most; of more, a random sample."
    )
    thumbnail: int = Field(96, ge=32, le=224, description="Side of a thumbnail in pixels.")
    quality: int = Field(80, ge=1, le=100, description="Quality of the WebP pictures.")


class ImageEmbeddings(Panel):
    """Rows of its numbers are images."""

    name = NAME
    formerly = ("images",)
    title = "Image embeddings"
    needs = ("survey",)
    uses_images = True
    uses_seed = True
    shows_photographs = True
    per = "network"
    entries = "images"
    settings = Options

    def check(self, job: Job) -> None:
        from lamella.analyses.image_embeddings.layers import reading

        reading(job.atlas.network, job.settings.layer)

    def wanted(self, job: Job) -> list[int]:
        return list(range(len(job.images)))

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        from lamella.analyses.image_embeddings.compute import document, explored, mosaics
        from lamella.analyses.image_embeddings.features import features
        from lamella.analyses.image_embeddings.layers import reading

        options: Options = job.settings
        read = reading(job.atlas.network, options.layer)
        found = features(
            job.model,
            job.images,
            read,
            job.atlas.store.root,
            thumbnail=options.thumbnail,
            shown=min(options.shown, options.mapped),
            tick=job.tick,
        )
        manifest = job.images.manifest
        number = {word: at for at, word in enumerate(manifest.labels)}
        words = [manifest.photographs[image].label for image in found.numbers.tolist()]
        labels = np.array([number.get(word, -1) for word in words], np.int64)
        space = interruptible(lambda: explored(found, labels, options, job.seed))
        told = []
        for mosaic, shard in mosaics(space, found, options, len(job.images)):
            told.append(mosaic.as_dict())
            yield shard
        notes = document(space, found, options)
        notes |= {"layers": list(read.layers), "last": read.last, "mosaics": told}
        job.remember(DOCUMENT, notes)  # before the shard, which says that all is there
        yield _of_images(job, space, found, notes)

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        return articles(atlas)


def _of_images(job: Job, space: Space, found: Features, notes: dict[str, Any]) -> Shard:
    """The numbers of all images, and the thumbnails of those that stand beside others."""
    from lamella.analyses.image_embeddings.features import small
    from lamella.analyses.image_embeddings.neighbours import KINDS

    options: Options = job.settings
    total = len(job.images)
    numbers: dict[str, NDArray[Any]] = {"used": np.zeros(total, np.uint8)}
    numbers["used"][found.numbers] = 1
    for method, points in space.planes.items():
        numbers[method] = np.full((total, 2), np.nan, np.float32)
        numbers[method][found.numbers[: len(points)]] = points
    for kind, rows in space.neighbours.items():
        numbers[f"nearest_{kind}"] = np.full((total, rows.shape[1]), -1, np.int32)
        numbers[f"nearest_{kind}"][found.numbers] = found.numbers[rows]
    beside = {query["image"] for query in notes["queries"]}
    beside |= {image for query in notes["queries"] for kind in KINDS for image in query[kind]}
    side = options.thumbnail
    thumbs = [
        encode(Image.fromarray(small(job.images.pixels(image), side)), options.quality)
        if image in beside
        else b""
        for image in range(total)
    ]
    return Shard(
        tuple(range(total)),
        numbers,
        {THUMB: thumbs},
        {THUMB: Sheet(side, side)},
        {"layers": notes["layers"], "dimensions": notes["dimensions"]},
    )
