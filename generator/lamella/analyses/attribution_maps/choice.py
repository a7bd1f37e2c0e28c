"""Which images have a page: those that the user named, then the best of the classes seen.

Flow: atlas.toml + predictions -> **choice** -> compute.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lamella.analyses.attribution_maps.settings import Options
from lamella.analyses.predictions.stored import answers
from lamella.figures.links import attribution_maps_slug
from lamella.store.facts import Atlas

if TYPE_CHECKING:
    from lamella.analyses.job import Job

WHERE = "[panels.attribution_maps] images"


def chosen_images(job: Job) -> list[int]:
    """The numbers of the images that have a page."""
    options: Options = job.settings
    named = job.images.named(options.images, WHERE)
    return unique(job.atlas, [*named, *best(job.atlas, options.examples, options.most)])


def best(atlas: Atlas, examples: int, most: int) -> list[int]:
    """The images that are most probably of each class that is a first answer.

    The classes of which the network is surest come first; of an equal share, the lower number.

    Args:
        examples: images of each class.
        most: images in all.
    """
    found = answers(atlas)
    if found is None:
        return []
    seen = sorted(found.seen, key=lambda one: (-float(found.top_probability[one, 0]), one))
    each = (found.top_image[one, :examples].tolist() for one in seen)
    return unique(atlas, (image for images in each for image in images if image >= 0))[:most]


def unique(atlas: Atlas, numbers: Iterable[int]) -> list[int]:
    """Each image once; of several whose pages would have the same address only the first."""
    photographs = atlas.manifest.photographs
    found: dict[str, int] = {}
    for number in numbers:
        found.setdefault(attribution_maps_slug(photographs[number]), number)
    return list(found.values())
