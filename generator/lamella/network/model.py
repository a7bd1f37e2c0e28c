"""The network as everything else sees it: its module, its layers, and images as its input.

Flow: trace, description -> **model** -> loading, survey, attribution, analyses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lamella.config.digest import digest_of
from lamella.config.planes import Planes
from lamella.config.preprocessing import Preprocessing
from lamella.network.activations import runs_one_by_one
from lamella.network.description import Network
from lamella.network.folding import Fold, folds_of
from lamella.network.trace import Examination, Traced


class Own(Protocol):
    """A preprocessing of the user's own, from an image to the network's input.

    Attributes:
        plain: whether each plane of that is one colour of the image, or its brightness.
    """

    plain: bool

    def __call__(self, image: Any, /) -> NDArray[Any]:
        """Of a PIL image, or an array of bands: (row, column, plane)."""


@dataclass(frozen=True)
class Model:
    """A network ready to be looked into.

    Attributes:
        module: in eval mode, parameters frozen, on `device`.
        preprocessing: from an image's file to its input.
        traced: its layers and where their values arise.
        facts: what pages need to know of it.
        memory_format: of its kernels; in the usual one, of what it is given too.
        example: an image as its input, whose path through it is the one that is followed; None for
            that of zeros.
        own: the user's own preprocessing, where there is one.
        learned: what the planes of images are, where the preprocessing alone does not say it.
        again: makes the network a second time, with weights of its own; None where there is no way.
        remarks: what came up later that the user is to hear, each once.
    """

    module: nn.Module
    preprocessing: Preprocessing
    traced: Mapping[str, Traced]
    facts: Network
    device: torch.device
    memory_format: torch.memory_format = torch.channels_last
    example: Tensor | None = None
    own: Own | None = None
    learned: Planes | None = None
    again: Callable[[], nn.Module] | None = None
    remarks: list[str] = field(default_factory=list)

    @cached_property
    def planes(self) -> Planes:
        """Of the images that it is given."""
        return self.learned or Planes.of(self.preprocessing)

    @cached_property
    def _constants(self) -> tuple[Tensor, Tensor]:
        # The survey asks first, in inference mode; the ascent, next, needs gradients.
        with torch.inference_mode(False):
            low, high, mean, std = (
                torch.tensor(each).reshape(1, -1, 1, 1)
                for each in (self.planes.low, self.planes.high, self.planes.mean, self.planes.std)
            )
            return ((high - low) / std).to(self.device), ((low - mean) / std).to(self.device)

    @cached_property
    def folds(self) -> Mapping[int, Fold]:
        """The normalizations that its convolutions can carry."""
        if runs_one_by_one(self.module):  # told by their places in one pass
            return {}
        with torch.inference_mode(False):
            return folds_of(self.module, self.plain(0, *self.facts.size))

    def plain(self, value: float, rows: int, columns: int, number: int = 1) -> Tensor:
        """Images of one value everywhere, (number, plane, row, column)."""
        shape = (number, self.planes.number, rows, columns)
        return torch.full(shape, value, dtype=torch.float32, device=self.device)

    def shown(self, values: NDArray[Any]) -> Tensor:
        """What `Images.values` gives, (image, row, column, plane), as images in [0, 1].

        Returns:
            (image, plane, row, column); of numbers beyond what 0 and 1 stand for, beyond them.
        """
        # A copy: decoded images are shared, and not to be written into.
        images: Tensor = torch.tensor(values).to(self.device).permute(0, 3, 1, 2)
        if values.dtype == np.uint8:
            return images.float().div_(255)
        low, high = (
            torch.tensor(each, device=self.device).reshape(1, -1, 1, 1)
            for each in (self.planes.low, self.planes.high)
        )
        return (images - low).div_(high - low)

    def inputs(self, values: NDArray[Any]) -> Tensor:
        """What `Images.values` gives, (image, row, column, plane), as the network's input."""
        if values.dtype == np.uint8:
            return self.normalise(self.shown(values))
        images = torch.tensor(values).to(self.device).permute(0, 3, 1, 2)
        mean, std = (
            torch.tensor(each, device=self.device).reshape(1, -1, 1, 1)
            for each in (self.planes.mean, self.planes.std)
        )
        return self._arranged(images if self.own else (images - mean) / std)

    def pictures(self, images: Tensor) -> NDArray[np.uint8]:
        """Images in [0, 1], (image, plane, row, column), as they are shown: sRGB bytes, (image,
        row, column, 3)."""
        return self.planes.picture(images.detach().permute(0, 2, 3, 1).cpu().numpy())

    def squared(self, images: Tensor) -> Tensor:
        """Images in the middle of grey squares as large as the longer side of its input."""
        around = [max(self.facts.size) - extent for extent in images.shape[2:]]
        frame = [edge for rest in reversed(around) for edge in (rest // 2, rest - rest // 2)]
        return functional.pad(images, frame, value=0.5)

    def normalise(self, images: Tensor) -> Tensor:
        """Images in [0, 1], (image, plane, row, column), as the network's input.

        Of a square as large as the longer side of a rectangle that the network takes, the middle.
        """
        factor, offset = self._constants
        rows, columns = self.preprocessing.shape
        if rows != columns and images.shape[2] == images.shape[3] == max(rows, columns):
            top, left = ((images.shape[2] - extent) // 2 for extent in (rows, columns))
            images = images[:, :, top : top + rows, left : left + columns]
        if self.planes.flipped:
            images = images.flip(1)
        return self._arranged(images * factor + offset)

    def _arranged(self, inputs: Tensor) -> Tensor:
        # Decoded images come channels last, which a network that asked for the usual format is not
        # to be given; to others convolutions bring what they like best.
        return inputs if self.memory_format == torch.channels_last else inputs.contiguous()


def with_layers(model: Model, seen: Examination, example: Tensor | None = None) -> Model:
    """A model with the layers that were found, on the path of an example."""
    sizes = {name: parameter.numel() for name, parameter in model.module.named_parameters()}
    facts = replace(
        model.facts,
        architecture=digest_of([found.layer.computed_of() for found in seen.traced]),
        layers=tuple(found.layer for found in seen.traced),
        left_out=seen.left_out,
        outside=sum(sizes[name] for name in seen.outside),
    )
    traced = {found.layer.name: found for found in seen.traced}
    return replace(model, traced=traced, facts=facts, example=example)


def with_planes(model: Model, planes: Planes) -> Model:
    """A model of images whose planes were measured; results depend on it, and pages say it."""
    described = {**model.facts.preprocessing, "measured": planes.as_dict()}
    number = planes.number
    note = f"Its images have {number} planes, which are shown so: {planes.words}."
    if not planes.coloured and number > 1:
        note += " Generated stimuli are their brightness, in all planes alike."
    notes = (*model.facts.notes, note)
    facts = replace(model.facts, preprocessing=described, notes=notes)
    return replace(model, learned=planes, facts=facts)
