"""Penalties of a picture, whatever it excites: total variation, distance to grey, high frequencies.

Flow: objective -> **penalties** -> ascend. They are objectives that read the picture and not the
network, and are taken away: `Channel(...) - 0.1 * TotalVariation()`.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007, section "The
Spectrum of Regularization"; total variation: Mahendran and Vedaldi, CVPR 2015, arXiv:1412.0035.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lamella.optvis.objective import Objective, Seen
from lamella.optvis.param import column_weights

GREY = 0.5


class TotalVariation(Objective):
    """Mean over pixels and colours of `sqrt(dx^2 + dy^2)`, differences of neighbours."""

    description = "total variation"

    def value(self, seen: Seen) -> Tensor:
        across = seen.images[:, :, :-1, 1:] - seen.images[:, :, :-1, :-1]
        down = seen.images[:, :, 1:, :-1] - seen.images[:, :, :-1, :-1]
        # The root has no gradient at zero.
        return (across.square() + down.square() + 1e-12).sqrt().mean((1, 2, 3))


class L1(Objective):
    """Mean over pixels and colours of the distance to grey."""

    description = "distance to grey"

    def value(self, seen: Seen) -> Tensor:
        return (seen.images - GREY).abs().mean((1, 2, 3))


class L2(Objective):
    """Mean over pixels and colours of the squared distance to grey."""

    description = "squared distance to grey"

    def value(self, seen: Seen) -> Tensor:
        return (seen.images - GREY).square().mean((1, 2, 3))


class Blur(Objective):
    """Mean squared distance to the picture's own blurred version, which is held constant.

    Args:
        deviation: of the Gaussian, in pixels.
    """

    def __init__(self, deviation: float = 1.0) -> None:
        if not deviation > 0:
            raise ValueError(f"deviation={deviation}: give more than 0 pixels.")
        self.deviation = deviation
        self.description = f"distance to itself blurred by {deviation:g} px"

    def value(self, seen: Seen) -> Tensor:
        return (seen.images - self.blurred(seen.images.detach())).square().mean((1, 2, 3))

    def blurred(self, images: Tensor) -> Tensor:
        """Images under a Gaussian, mirrored past their border."""
        reach = min(max(1, round(3 * self.deviation)), images.shape[-1] - 1)
        at = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
        bell = torch.exp(-0.5 * (at / self.deviation) ** 2)
        planes = images.shape[1]
        bell = (bell / bell.sum()).expand(planes, 1, 1, -1)
        padded = F.pad(images, (reach, reach, reach, reach), mode="reflect")
        return F.conv2d(F.conv2d(padded, bell, groups=planes), bell.transpose(2, 3), groups=planes)


class HighFrequencies(Objective):
    """Mean over frequencies of the picture's power, each times `(f / f_max) ** 2`.

    `f` in cycles per pixel along both axes, `f_max = sqrt(0.5)` the corner of the plane.
    """

    description = "power of high frequencies"

    def value(self, seen: Seen) -> Tensor:
        side = seen.images.shape[-1]
        device = seen.images.device
        rows = torch.fft.fftfreq(seen.images.shape[-2], device=device)
        columns = torch.fft.rfftfreq(side, device=device)
        weight = (rows[:, None].square() + columns.square()) / 0.5
        power = torch.fft.rfft2(seen.images.float() - GREY, norm="ortho").abs().square()
        number = seen.images.shape[1] * seen.images.shape[-2] * side
        total: Tensor = (power * weight * column_weights(columns, side)).sum((1, 2, 3))
        return total / number
