"""The phases of an image as what is optimised, under the magnitudes of photographs.

Flow: **maco** -> transform -> network -> objective -> ascend. Where things are is free; how much of
each frequency there is, is fixed to the mean of the user's own images. So the picture can neither
dissolve into high frequencies nor into blots, however deep the network.

Source: Fel et al., "Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained
Optimization", NeurIPS 2023, arXiv:2306.06805.
"""

import math
from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lamella.config.planes import COLOURS, Matrix
from lamella.optvis.param import colour_axes, mixed, planes_of


def magnitudes(batches: Iterable[Tensor], side: int, axes: Matrix = COLOURS) -> Tensor:
    """Mean magnitude of the spectra of images, per decorrelated colour.

    Args:
        batches: images in [0, 1], `(image, plane, row, column)`; scaled to `side`.
        axes: of their colours, see `Planes`.
    Returns:
        float32 `(colour, side, side // 2 + 1)`; memory does not grow with the images.
    Raises:
        ValueError: there is no image.
    """
    colours, number = colour_axes(axes), 0
    total = torch.zeros(len(axes), side, side // 2 + 1)
    for images in batches:
        scaled = F.interpolate(images.float(), (side, side), mode="area")
        planes = planes_of(scaled, colours)
        total += torch.fft.rfft2(planes, norm="ortho").abs().sum(0)
        number += len(images)
    if not number:
        raise ValueError("The magnitudes of no image were asked for: give at least one.")
    return total / number


class Maco:
    """Images as phases: `image = sigmoid(colours @ irfft2(magnitude * exp(i * phase)))`.

    Args:
        magnitude: float32 `(colour, side, side // 2 + 1)`, as `magnitudes` makes it.
        axes: of the colours, see `Planes`.
        device: where the images are.
    """

    def __init__(
        self, magnitude: Tensor, axes: Matrix = COLOURS, *, device: torch.device | str = "cpu"
    ) -> None:
        self.side = magnitude.shape[1]
        self.magnitude = magnitude.to(device)
        self.colours = colour_axes(axes).to(device)

    def start(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Random phases, `(image, colour, side, side // 2 + 1)`, uniform over the circle."""
        drawn = [torch.rand(self.magnitude.shape, generator=each) for each in generators]
        return ((2 * torch.stack(drawn) - 1) * math.pi).to(self.magnitude.device)

    def zeros(self, images: int) -> Tensor:
        """All phases zero: every wave has its crest in the corner."""
        return torch.zeros(images, *self.magnitude.shape, device=self.magnitude.device)

    def of(self, images: Tensor) -> Tensor:
        """The phases of given images."""
        phases: Tensor = torch.fft.rfft2(planes_of(images, self.colours), norm="ortho").angle()
        return phases

    def __call__(self, phases: Tensor) -> Tensor:
        """Images in [0, 1], `(image, plane, side, side)`."""
        spectra = torch.polar(self.magnitude.expand_as(phases), self._mirrored(phases))
        planes = torch.fft.irfft2(spectra, s=(self.side, self.side), norm="ortho")
        return mixed(planes, self.colours)

    def _mirrored(self, phases: Tensor) -> Tensor:
        """The phases of a real picture, whose first column mirrors itself, as an even side's last.

        Else each of their waves would meet itself at another phase, and lose of its magnitude. What
        stands still alone, as the mean does, is a number with a sign: within plus and minus its
        magnitude.
        """
        half = (self.side - 1) // 2
        columns = slice(0, 1) if self.side % 2 else slice(0, None, self.side // 2)
        edges = phases[..., columns]
        below = -edges[..., 1 : half + 1, :].flip(-2)
        mirrored = phases.clone()
        mirrored[..., columns] = torch.cat([edges[..., : self.side - half, :], below], dim=-2)
        return mirrored

    def confine(self, phases: Tensor) -> None:
        """Every phase is a picture."""
