"""What was stored of the images that go through the network, and where their pages lie.

Flow: compute -> store -> **stored** -> view, and the pages of other analyses that lead here. An
image has an entry for its photograph, and one for each layer, in order.
"""

from __future__ import annotations

import numpy as np

from lamella.figures.links import article_page
from lamella.images.manifest import Photograph
from lamella.store.facts import Atlas

PANEL = "layer_activations"
PHOTOGRAPH, MAPS, HEAT = "photograph", "maps", "heat"  # names of stored pictures
DOCUMENT = "chosen"  # beside the shards: the images that were chosen
OUTPUTS = 5  # of the network, that are shown
CELL, CELLS = 64, 6  # side and number of the cells of a sheet of heat
ID = 8  # digits of an image's id in the address of its page


def entries_per_image(atlas: Atlas) -> int:
    """The photograph's, and the layers'."""
    return 1 + len(atlas.network.layers)


def slug_of(photograph: Photograph) -> str:
    """The page of one image, by the digest of its content."""
    return f"layer-activations-{photograph.id[:ID].lower()}"


def layer_activation_pages(atlas: Atlas) -> dict[int, str]:
    """The page of each image that has one, by the image's number, ascending."""
    if PANEL not in atlas.keys:
        return {}
    shards = atlas.store.folder(PANEL, atlas.keys[PANEL]).shards()
    images = {int(image) for _, tensors in shards for image in np.unique(tensors["image"])}
    photographs = atlas.manifest.photographs
    return {
        image: article_page(atlas.network.name, slug_of(photographs[image]))
        for image in sorted(images)
    }
