"""What is stored of the space of images: numbers, thumbnails, maps and grids.

Flow: features -> space -> **compute** -> store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.image_embeddings.features import Features, features, small
from lamella.analyses.image_embeddings.grid import assigned, columns_for
from lamella.analyses.image_embeddings.layers import FeatureLayers, feature_layers
from lamella.analyses.image_embeddings.mosaic import drawn, gridded, tiled
from lamella.analyses.image_embeddings.neighbours import KINDS
from lamella.analyses.image_embeddings.scatter import scattered
from lamella.analyses.image_embeddings.settings import Options
from lamella.analyses.image_embeddings.space import Space, image_space
from lamella.analyses.image_embeddings.stored import DOCUMENT, THUMB, Mosaic, Notes
from lamella.engines.interrupts import interruptible
from lamella.figures.encoding import encode
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job

METHODS = ("pca", "tsne", "umap")


def shards(job: Job) -> Iterator[Shard]:
    """A shard for each map and grid, then one of all images."""
    options: Options = job.settings
    layers = feature_layers(job.atlas.network, options.layer)
    found = features(
        job.model,
        job.images,
        layers,
        job.atlas.store.root,
        thumbnail=options.thumbnail,
        shown=min(options.shown, options.mapped),
        tick=job.tick,
    )
    manifest = job.images.manifest
    number = {word: at for at, word in enumerate(manifest.labels)}
    words = [manifest.photographs[image].label for image in found.numbers.tolist()]
    labels = np.array([number.get(word, -1) for word in words], np.int64)
    space = interruptible(lambda: image_space(found, labels, options, job.seed))
    made: list[Mosaic] = []
    for mosaic, shard in mosaics(space, found, options, len(job.images)):
        made.append(mosaic)
        yield shard
    notes = document(space, found, layers, made, options)
    job.remember(DOCUMENT, notes)  # before the shard, which says that all is there
    yield _of_images(job, space, found, notes)


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
            mosaic, shard = tiled(name, picture, placed, numbers, first, options.quality)
            first += len(shard.channels)
            yield mosaic, shard


def _of_images(job: Job, space: Space, found: Features, notes: Notes) -> Shard:
    """The numbers of all images, and the thumbnails of those that stand beside others."""
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


def document(
    space: Space,
    found: Features,
    layers: FeatureLayers,
    made: list[Mosaic],
    options: Options,
) -> Notes:
    """What the pages must know, in plain values and by the images' numbers."""
    numbers = found.numbers
    labels = space.agreement
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
        "agreement": labels
        and {"shares": labels.shares, "chance": labels.chance, "images": labels.images},
        "nearest": space.neighbours["l2"].shape[1],
        "queries": [
            {
                "image": int(numbers[row]),
                **{kind: numbers[rows[row]].tolist() for kind, rows in space.neighbours.items()},
            }
            for row in space.queries
        ],
        "layers": list(layers.layers),
        "last": layers.last,
        "mosaics": [mosaic.as_dict() for mosaic in made],
    }
