"""What is stored of all images that have attribution maps, read once for all their pages.

Flow: stored -> **records** -> image_page, view. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lamella.analyses.attribution_maps.stored import (
    PANEL,
    NetworkMethods,
    entries,
    network_methods,
)
from lamella.analyses.predictions.stored import Answers, answers
from lamella.store.facts import Atlas
from lamella.store.gathering import PanelFacts


@dataclass(frozen=True, eq=False)
class ImageRecords:
    """All that is stored of the images that have attribution maps.

    Attributes:
        stored: the numbers of all entries.
        entries: the entry of each image that is done, by the image's number, in order.
        methods: the network's.
        class_pages: the page of each class that has one.
        layer_pages: the page of layer activations of each image that has one.
        sanity_page: the page on whether the maps can be trusted; "" without one.
    """

    atlas: Atlas
    answers: Answers
    stored: PanelFacts
    entries: dict[int, int]
    methods: NetworkMethods
    class_pages: Mapping[int, str]
    layer_pages: Mapping[int, str]
    sanity_page: str

    @classmethod
    def of(cls, atlas: Atlas) -> ImageRecords | None:
        """What the store of an atlas holds; None where there is nothing to show."""
        found, done = answers(atlas), entries(atlas)
        if found is None or not done:
            return None
        return cls(
            atlas,
            found,
            atlas.of_network(PANEL, max(done.values()) + 1),
            done,
            network_methods(atlas),
            atlas.pages_of("classes"),
            atlas.pages_of("layer_activations"),
            atlas.pages_of("sanity_checks").get(0, ""),
        )
