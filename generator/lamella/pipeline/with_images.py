"""The network and its images, brought together.

Flow: model, images -> **with_images** -> pipeline. What the planes of the images are, and which
path through the network they take, is told from the images themselves.
"""

from contextlib import suppress

from torch import Tensor

from lamella.images.decoding import BrokenImage
from lamella.images.images import Images
from lamella.images.measured import measured
from lamella.network.model import Model, with_planes
from lamella.network.paths import TRIED, followed


def with_images(model: Model, images: Images) -> Model:
    """The network as these images run through it; they know then how they are shown.

    Raises:
        ModelError: it does not run on one of them, or no layer runs for all that are tried.
    """
    images.planes = model.planes
    if model.preprocessing.bands or (model.own and not model.own.plain):
        images.planes = measured(images)
        model = with_planes(model, images.planes)
    return followed(model, _some(model, images))


def _some(model: Model, images: Images) -> list[Tensor]:
    """A few images, from all over the set, as the network takes them."""
    found = []
    for number in dict.fromkeys(at * len(images) // TRIED for at in range(TRIED if images else 0)):
        with suppress(BrokenImage):
            found.append(model.inputs(images.decoded(number)[None]))
    return found
