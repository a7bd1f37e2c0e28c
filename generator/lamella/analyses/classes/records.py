"""What is stored of all classes, read once for all their pages.

Flow: stored -> **records** -> class_page, contributions_view, view. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.classes.stored import (
    PANEL,
    HeadRecord,
    class_pages,
    computed,
    head_record,
    output_layer,
    stored,
)
from lamella.analyses.predictions.stored import Answers, answers
from lamella.figures import Cell, Picture
from lamella.figures.links import CLASSES, article_page
from lamella.figures.published import PICTURE, network_picture, unit_page, unit_picture
from lamella.network.units import Unit
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.gathering import PanelFacts

TITLE = "Classes"


@dataclass(frozen=True, eq=False)
class ClassRecords:
    """All that is stored of the classes.

    Attributes:
        outputs: the classes that have a page, ascending.
        stored: the facts, a row for each output of the network.
        pages: the page of each of them.
        image_pages: the page of attribution maps of each image that has one.
    """

    atlas: Atlas
    answers: Answers
    head: HeadRecord
    stored: PanelFacts
    outputs: tuple[int, ...]
    pages: Mapping[int, str]
    image_pages: Mapping[int, str]

    @classmethod
    def of(cls, atlas: Atlas) -> ClassRecords | None:
        """What the store of an atlas holds; None where there is nothing to show."""
        found, head, facts = answers(atlas), head_record(atlas), stored(atlas)
        if found is None or head is None or facts is None:
            return None
        outputs = tuple(sorted(computed(atlas)))
        pages, image_pages = class_pages(atlas), atlas.pages_of("attribution_maps")
        return cls(atlas, found, head, facts, outputs, pages, image_pages)

    @cached_property
    def by_name(self) -> tuple[int, ...]:
        """The classes that have a page, as a reader looks them up."""
        key = self.answers.short
        return tuple(sorted(self.outputs, key=lambda c: (key(c).casefold(), c)))

    @cached_property
    def by_count(self) -> tuple[int, ...]:
        """The most frequent first answers first."""
        count = self.answers.count
        return tuple(sorted(self.by_name, key=lambda c: -int(count[c])))

    @property
    def index(self) -> Cell:
        """The page that leads to all classes."""
        return Cell(TITLE, article_page(self.atlas.network.name, CLASSES))

    def cell(self, output: int, bar: float | None = None) -> Cell:
        """A class by its name, linked to its page or else to the unit of its score."""
        return Cell(self.answers.short(output), self.link(output), bar)

    def link(self, output: int) -> str:
        """The page of a class, or else of the unit of its score; "" for neither."""
        unit = self.unit(output)
        return self.pages.get(output, unit_page(self.atlas, unit) if unit else "")

    def unit(self, output: int) -> Unit | None:
        """The unit whose activation is the class score."""
        return Unit(self._layer.layer.name, output) if self._layer is not None else None

    @cached_property
    def _layer(self) -> LayerFacts | None:
        layer = output_layer(self.atlas)
        return self.atlas.layer(layer) if layer is not None else None

    def feature_visualization(self, output: int) -> Picture | None:
        """What the class score looks for, made by gradient ascent."""
        if self._layer is None:
            return None
        alt = f"An image made to raise the score of {self.answers.short(output)}"
        return unit_picture(self._layer, *PICTURE, output, alt)

    def picture(self, name: str, output: int, alt: str) -> Picture | None:
        """A stored picture of a class, as it is published."""
        return network_picture(self.atlas, PANEL, name, output, alt)

    @cached_property
    def first_answers(self) -> Mapping[int, int]:
        """The first answer to each image, as far as lists of images tell."""
        return {
            image: output
            for output in self.answers.seen
            for image in self.answers.first_image[output].tolist()
            if image >= 0
        }

    @cached_property
    def mean_map(self) -> NDArray[np.float32]:
        """The mean over all classes of where their evidence lies."""
        maps = self.stored["mean"][self.stored["averaged"] > 0]
        return maps.mean(axis=0) if len(maps) else np.zeros(maps.shape[1:], np.float32)

    @property
    def public(self) -> bool:
        """Whether whole photographs are shown."""
        return self.atlas.publish == "whole"
