"""How an image is shaken before the network sees it, so that no picture hangs on exact pixels.

Flow: param -> **transform** -> network -> objective -> ascend. Each image of a batch is shifted,
scaled and turned by its own amounts, drawn beforehand from its own generator, in one resampling.
Normalization comes later, inside the network, so that what lies past the border is mirrored image
and never black.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007, section
"Transformation robustness".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Interpolation = Literal["nearest", "bilinear"]


@dataclass(frozen=True, slots=True)
class Transformation:
    """How far an image may be moved, at most.

    Attributes:
        jitter: shift along each axis, as a share of the side, uniform between minus and plus this.
        smallest, largest: magnification, log-uniform between the two.
        rotation: degrees either way; a triangular distribution with its peak at none.
        interpolation: of the resampling. The nearest pixel costs a third of the bilinear mean of
            four; at 64 steps the pictures were as strong and nobody could tell them apart.
    """

    jitter: float = 1 / 16
    smallest: float = 0.9
    largest: float = 1.1
    rotation: float = 10.0
    interpolation: Interpolation = "nearest"

    @property
    def still(self) -> bool:
        """Whether nothing moves at all."""
        return self.smallest == self.largest == 1 and not self.jitter and not self.rotation

    def __post_init__(self) -> None:
        if not 0 < self.smallest <= self.largest:
            raise ValueError(
                f"Magnification from {self.smallest} to {self.largest}: give 0 < smallest <= "
                "largest."
            )

    def matrices(self, generators: Sequence[torch.Generator], steps: int) -> Tensor:
        """Where each pixel of the view looks: affine maps, float32, `(step, image, 2, 3)`.

        A map takes (x, y, 1) of the view to (x, y) of the image, both in [-1, 1] from the outer
        edge of the first pixel to that of the last. All random numbers are drawn here, image by
        image, so that neighbours in a batch cannot change them.
        """
        drawn = [torch.rand(steps, 5, generator=generator) for generator in generators]
        uniform = torch.stack(drawn, dim=1).double().unbind(dim=2)  # five of (step, image)
        right, down = (2 * self.jitter * (2 * number - 1) for number in uniform[:2])
        low, high = math.log(self.smallest), math.log(self.largest)
        # A magnified image shows less of itself: hence the minus sign.
        extent = torch.exp(-(low + (high - low) * uniform[2]))
        angle = (uniform[3] - uniform[4]) * math.radians(self.rotation)
        cosine, sine = extent * angle.cos(), extent * angle.sin()
        rows = ((cosine, -sine, right), (sine, cosine, down))
        return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2).float()

    def disturbed(self, images: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Nothing is added to the view."""
        return images


@dataclass(frozen=True, slots=True)
class Crops:
    """Squares of the image, enlarged to its size and noisy: what MACO shakes a picture with.

    Attributes:
        first, last: side of the square at the first and the last step, as a share of the image's.
        spread: standard deviation of its centre around the image's, as a share of the side; no
            square reaches past the border.
        noise: standard deviation of what is added to each pixel.
        interpolation: of the resampling.
    """

    first: float = 0.5
    last: float = 0.05
    spread: float = 0.15
    noise: float = 0.08
    interpolation: Interpolation = "bilinear"
    still: ClassVar[bool] = False

    def matrices(self, generators: Sequence[torch.Generator], steps: int) -> Tensor:
        """Where each pixel of the view looks; see `Transformation.matrices`."""
        drawn = [torch.randn(steps, 2, generator=generator) for generator in generators]
        centre = torch.stack(drawn, dim=1).double() * 2 * self.spread  # (step, image, xy)
        extent = torch.linspace(self.first, self.last, steps, dtype=torch.float64)[:, None]
        room = (1 - extent)[..., None]
        right, down = centre.clamp(min=-room, max=room).unbind(dim=2)
        extent, none = extent.expand_as(right), torch.zeros_like(right)
        rows = ((extent, none, right), (none, extent, down))
        return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2).float()

    def disturbed(self, images: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Noise from each image's own generator."""
        drawn = [torch.randn(images.shape[1:], generator=generator) for generator in generators]
        return images + self.noise * torch.stack(drawn).to(images.device)


def view(images: Tensor, matrices: Tensor, shaken: Transformation | Crops) -> Tensor:
    """Each image resampled by its own affine map, mirrored past its border; differentiable.

    What `torch.nn.functional.affine_grid` and `grid_sample` do, with the grid built in a quarter of
    the time.

    Args:
        images: `(image, channel, side, side)`.
        matrices: one step of `shaken.matrices`, `(image, 2, 3)`.
        shaken: how they were drawn, and are to be resampled.
    Returns:
        As `images`.
    """
    if shaken.still:
        return images
    side = images.shape[-1]
    middle = (2 * torch.arange(side, device=images.device, dtype=images.dtype) + 1) / side - 1
    across, down, shift = matrices[:, None, None].unbind(dim=-1)  # each (image, 1, 1, xy)
    grid = middle.view(1, 1, side, 1) * across + (middle.view(1, side, 1, 1) * down + shift)
    return F.grid_sample(
        images, grid, mode=shaken.interpolation, padding_mode="reflection", align_corners=False
    )
