"""Scenes as the passes need them: pixels for the network, and for each a plane of labels.

Flow: scenes -> **labels** -> passes. Nothing is kept but recently decoded pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.analyses.dissection.colours import COLOURS, colours_of
from lamella.analyses.dissection.concepts import COLOUR, LAST_INDEX, Concept
from lamella.analyses.dissection.scenes import Scenes, check_sizes, opened
from lamella.config.digest import digest_of
from lamella.errors import ConceptsError, said
from lamella.images.decoding import Pixels, decode, nearest, upright_size
from lamella.images.entries import ImageFile
from lamella.images.images import Images
from lamella.images.manifest import Manifest, Photograph

if TYPE_CHECKING:
    from lamella.config.preprocessing import Preprocessing

MOST = 1000  # photographs of the atlas that are dissected where there are no scenes
Plane = NDArray[np.int32]


class SceneImages(Images):
    """Scenes, decoded as photographs are; one of exactly the network's size is taken as it is."""

    def decoded(self, number: int) -> Pixels:
        file = self.files[number]
        return decode(file, preprocessing_of(file, self.preprocessing))


def preprocessing_of(file: ImageFile, preprocessing: Preprocessing) -> Preprocessing:
    """How a scene is brought to the network's size; one that has it is taken as it is."""
    if upright_size(file) == preprocessing.shape[::-1]:
        return preprocessing.model_copy(update={"resize": "none"})
    return preprocessing


@dataclass(frozen=True)
class LabelledImages:
    """Images in two halves, and the concepts in them.

    Attributes:
        halves: the numbers of the images on which concepts are chosen, and measured.
        concepts: their numbers are their places; the colours come first.
        masks: of each image; empty where there are only colours.
        indices: the number of each concept by its index in the masks.
        side: of a label plane, in pixels.
        apart: whether the user parted the halves.
    """

    images: Images
    halves: tuple[tuple[int, ...], tuple[int, ...]]
    concepts: tuple[Concept, ...]
    masks: tuple[Path | None, ...]
    indices: dict[int, int]
    side: int
    apart: bool = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of concepts, in order."""
        return tuple(dict.fromkeys(concept.kind for concept in self.concepts))

    @property
    def kind_of(self) -> tuple[int, ...]:
        """The number of each concept's kind."""
        kinds = self.kinds
        return tuple(kinds.index(concept.kind) for concept in self.concepts)

    def planes(self, number: int) -> Plane:
        """What is where in an image: `(plane, side, side)`, concept + 1, 0 for none.

        The first plane holds the colours, the second, if there are masks, what they say.

        Raises:
            ConceptsError: the mask cannot be read, or has an index that the table lacks.
        """
        pixels = self.images.pixels(number)
        small = Image.fromarray(pixels).resize((self.side, self.side), Image.Resampling.BOX)
        found = [colours_of(np.asarray(small)).astype(np.int32) + 1]
        if self.masks:
            found.append(self._mask(number))
        return np.stack(found)

    def check(self) -> None:
        """Read every mask once.

        Raises:
            ConceptsError: one cannot be read, or has an index that the table lacks.
        """
        for mask in self.masks:
            if mask is not None:
                self.read(mask)

    def _mask(self, number: int) -> Plane:
        mask = self.masks[number]
        if mask is None:
            return np.zeros((self.side, self.side), np.int32)
        values = self.read(mask)
        how = preprocessing_of(self.images.files[number], self.images.preprocessing)
        return nearest(values, how, (self.side, self.side))

    def read(self, mask: Path) -> Plane:
        """A mask with the numbers of concepts from 1 in place of its indices.

        Raises:
            ConceptsError: it cannot be read, or has an index that the table lacks.
        """
        with opened(mask) as image:
            try:
                values = np.asarray(image).astype(np.int32)
            except Exception as error:  # PIL's plug-ins raise almost anything on hostile files
                raise ConceptsError(
                    f"Cannot read the mask {mask}: {said(error)}.", "It may be damaged."
                ) from error
        # What lies beyond the table is as unknown as a gap in it.
        known = np.where((values < 0) | (values > LAST_INDEX), LAST_INDEX + 1, values)
        found: Plane = self._numbers[known]
        if (found < 0).any():
            raise ConceptsError(
                f"The mask {mask} has pixels of index {values[found < 0][0]}, which the table of "
                "concepts does not name.",
                "Add a line for it to concepts.csv, or give those pixels the index 0.",
            )
        return found

    @cached_property
    def _numbers(self) -> Plane:
        """The number of the concept of each index, from 1; 0 for index 0, -1 for unknown ones."""
        table = np.full(LAST_INDEX + 2, -1, np.int32)
        table[0] = 0
        for index, concept in self.indices.items():
            table[index] = concept + 1
        return table


def of_scenes(scenes: Scenes, preprocessing: Preprocessing, side: int) -> LabelledImages:
    """The user's scenes.

    Raises:
        ConceptsError: a mask is not one of its image.
    """
    check_sizes(scenes.scenes)
    photographs = tuple(
        Photograph(scene.id, scene.image.name.encode(errors="replace").decode(), "")
        for scene in scenes.scenes
    )
    manifest = Manifest(digest_of([scene.id for scene in scenes.scenes]), photographs)
    images = SceneImages(manifest, [scene.image for scene in scenes.scenes], preprocessing)
    own = sorted(set(scenes.table.values()), key=lambda concept: (concept.kind, concept.name))
    concepts = (*colours(), *own)
    indices = {index: concepts.index(concept) for index, concept in scenes.table.items()}
    return LabelledImages(
        images,
        _halves([scene.half for scene in scenes.scenes]),
        concepts,
        tuple(scene.mask for scene in scenes.scenes),
        indices,
        side,
        scenes.apart,
    )


def of_photographs(images: Images, side: int) -> LabelledImages:
    """The atlas' own photographs, as many as are needed, for colours alone."""
    numbers = range(min(len(images), MOST))  # they are numbered by digest: a random sample
    return LabelledImages(images, _halves([n % 2 for n in numbers]), colours(), (), {}, side)


def colours() -> tuple[Concept, ...]:
    """The concepts that need no masks."""
    return tuple(Concept(name, COLOUR) for name in COLOURS)


def _halves(half: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    first, second = (tuple(n for n, own in enumerate(half) if own == which) for which in (0, 1))
    return first, second
