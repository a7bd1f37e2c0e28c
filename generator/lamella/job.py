"""What a panel's `compute` is given.

Flow: model + images + survey -> **job** -> panels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lamella.facts import Atlas
from lamella.images import Images
from lamella.model import Model


@dataclass(frozen=True)
class Job:
    """The network, the images, and the facts that are known so far.

    Attributes:
        settings: the panel's own, of the type that it declares.
        seed: of the whole atlas; panels derive a seed per unit from it.
        tick: to be called with the number of units (or images) finished since the last call.
    """

    model: Model
    images: Images
    atlas: Atlas
    settings: Any
    seed: int
    tick: Callable[[int], None]
