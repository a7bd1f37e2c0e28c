"""What images look like, measured without any network: statistics of colour and of texture.

Flow: patches -> **texture** -> score, tasks. A picture that was made with a network must not be
compared by that network's own features; a better measure (DreamSim, LPIPS) would have to be
downloaded. So this one is made by hand: a little under 150 numbers per image that do not depend on
where in the image anything is, since a picture of a channel shows its feature in any place. It is
blind to shape beyond a band's width and to what things are: units of late layers come out lower
than people would put them.

Source: Portilla and Simoncelli, "A parametric texture model based on joint statistics of complex
wavelet coefficients", IJCV 2000, doi:10.1023/A:1026553619983; for the colours van de Sande, Gevers
and Snoek, "Evaluating color descriptors", TPAMI 2010, doi:10.1109/TPAMI.2009.154.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Vectors = NDArray[np.float32]

LEVELS, ORIENTATIONS = 4, 6
KERNEL, WAVELENGTH, WIDTH = 7, 4.0, 1.6  # pixels of each level
LEAST = 8  # pixels: a level with fewer says nothing about texture
FAINT = 0.004  # about one step of a byte: what lies below is no texture
VISIBLE = 0.2  # a difference of a feature that is just worth noticing: contrast by a fifth, say


@cache
def bank() -> Tensor:
    """Gabor filters, even then odd, of all orientations: (2 * orientation, 1, row, column).

    Without a mean, and scaled so that a grating of their wavelength answers with its amplitude.
    """
    import torch

    place = torch.arange(KERNEL, dtype=torch.float64) - KERNEL // 2
    row, column = torch.meshgrid(place, place, indexing="ij")
    window = torch.exp(-(row**2 + column**2) / (2 * WIDTH**2))
    waves = []
    for shift in (0.0, math.pi / 2):
        for turn in range(ORIENTATIONS):
            angle = math.pi * turn / ORIENTATIONS
            phase = (row * math.sin(angle) + column * math.cos(angle)) * 2 * math.pi / WAVELENGTH
            wave = window * torch.cos(phase - shift)
            wave -= window * (wave.sum() / window.sum())
            waves.append(wave / (wave * torch.cos(phase - shift)).sum())
    return torch.stack(waves)[:, None].float()


def levels_of(side: int) -> int:
    """How many octaves of a square of that many pixels are looked at."""
    return max(1, min(LEVELS, int(math.log2(max(1, side / LEAST))) + 1))


def texture(images: Tensor, levels: int) -> Tensor:
    """The statistics of sRGB images in [0, 1]: (image, 3, row, column) to (image, feature).

    In opponent colours (lightness, red to green, blue to yellow): mean, deviation, skewness and
    correlations of the values. Of each of `levels` octaves of lightness: mean and deviation of the
    energy of 6 orientations, on a scale of logarithms, and the correlations of those energies with
    each other and with those of the octave above; of the colours their deviation from their
    surround. The three groups (colour, energy, correlation) count alike.
    """
    import torch
    from torch.nn.functional import avg_pool2d, conv2d, pad

    red, green, blue = images.unbind(1)
    opponent = torch.stack(
        [
            (red + green + blue) / math.sqrt(3),
            (red - green) / math.sqrt(2),
            (red + green - 2 * blue) / math.sqrt(6),
        ],
        1,
    )
    flat = opponent.flatten(2)
    mean = flat.mean(2)
    away = flat - mean[..., None]
    deviation = away.square().mean(2).sqrt()
    skewness = (away * away.square()).mean(2) / (deviation + FAINT).pow(3)
    colour = [mean, deviation, skewness, correlations(away, away)]
    energy, joint = [], []
    finer: Tensor | None = None
    for _ in range(levels):
        border = pad(opponent[:, :1], (KERNEL // 2,) * 4, mode="replicate")
        even, odd = conv2d(border, bank().to(images)).chunk(2, 1)
        found = torch.hypot(even, odd)
        values = found.flatten(2)
        spread = values - values.mean(2, keepdim=True)
        energy += [values.mean(2), spread.square().mean(2).sqrt()]
        joint.append(correlations(spread, spread))
        if finer is not None:
            before = avg_pool2d(finer, 2, ceil_mode=True).flatten(2)
            joint.append(correlations(before - before.mean(2, keepdim=True), spread, same=True))
        finer, sharp = found, opponent[:, 1:].square().mean((2, 3))
        opponent = avg_pool2d(opponent, 2, ceil_mode=True)
        lost = sharp - opponent[:, 1:].square().mean((2, 3))  # what 2 x 2 pixels differ by
        colour.append(torch.log(lost.clamp(min=0).sqrt() + FAINT))
    groups = [torch.cat(colour, 1), torch.log(torch.cat(energy, 1) + FAINT), torch.cat(joint, 1)]
    return torch.cat(groups, 1)


def correlations(one: Tensor, other: Tensor, *, same: bool = False) -> Tensor:
    """Correlations of maps without a mean, (image, map, place): of each pair, or map by map."""
    import torch

    if same:
        joint, of_one, of_other = (
            (a * b).mean(2) for a, b in ((one, other), (one, one), (other, other))
        )
        return joint / ((of_one * of_other).sqrt() + FAINT**2)
    joint = one @ other.transpose(1, 2) / one.shape[2]
    own = joint.diagonal(dim1=1, dim2=2).sqrt()
    first, second = torch.triu_indices(one.shape[1], one.shape[1], 1).to(one.device)
    return joint[:, first, second] / (own[:, first] * own[:, second] + FAINT**2)
