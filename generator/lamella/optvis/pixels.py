"""Pixels themselves as what is optimised: the plain way, with which preconditioning is compared.

Flow: **pixels** -> transform -> network -> objective -> ascend.

Source: Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034; the comparison: Olah, Mordvintsev and
Schubert, Distill 2017, doi:10.23915/distill.00007, section "Preconditioning and Parameterization".
"""

from collections.abc import Sequence

import torch
from torch import Tensor

GREY = 0.5


class Pixels:
    """Images as distances of their pixels from grey: `image = grey + numbers`, within [0, 1].

    Zeros are a grey image, as in the plain rule `I <- I + eta * gradient` from zeros.

    Args:
        side: of the square images, in pixels.
        deviation: standard deviation of the random start.
        planes: of an image.
        device: where the images are.
    """

    def __init__(
        self,
        side: int,
        *,
        deviation: float = 0.01,
        planes: int = 3,
        device: torch.device | str = "cpu",
    ) -> None:
        self.side = side
        self.deviation = deviation
        self.planes = planes
        self.device = device

    def start(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Random images, drawn on the CPU whatever the device."""
        shape = (self.planes, self.side, self.side)
        drawn = torch.stack([torch.randn(shape, generator=generator) for generator in generators])
        numbers = (drawn * self.deviation).to(self.device)
        self.confine(numbers)
        return numbers

    def zeros(self, images: int) -> Tensor:
        """Plain grey images."""
        return torch.zeros(images, self.planes, self.side, self.side, device=self.device)

    def of(self, images: Tensor) -> Tensor:
        """Given images, `(image, plane, side, side)`."""
        return images.to(self.device).float() - GREY

    def __call__(self, numbers: Tensor) -> Tensor:
        """Images in [0, 1], `(image, plane, side, side)`."""
        return numbers + GREY

    @torch.no_grad()
    def confine(self, numbers: Tensor) -> None:
        """What left [0, 1] is brought back to its edge."""
        numbers.clamp_(-GREY, GREY)
