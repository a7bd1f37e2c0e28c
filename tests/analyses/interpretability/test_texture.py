"""Statistics of colour and texture: what it must see, and what it must not."""

import math

import numpy as np
import pytest
import torch

from lamella.analyses.interpretability.texture import ORIENTATIONS, bank, levels_of, texture


def grating(side: int, wavelength: float, angle: float, phase: float = 0.0) -> torch.Tensor:
    place = torch.arange(side, dtype=torch.float32)
    row, column = torch.meshgrid(place, place, indexing="ij")
    along = row * math.sin(angle) + column * math.cos(angle)
    wave = 0.5 + 0.3 * torch.cos(2 * math.pi * along / wavelength + phase)
    return wave.expand(1, 3, side, side)


def energies(image: torch.Tensor, levels: int = 3) -> np.ndarray:
    """Mean energy by (level, orientation), as `texture` lays its features out."""
    found = texture(image, levels)[0].numpy()
    start = 12 + 2 * levels
    by_level = found[start : start + 12 * levels].reshape(levels, 2, ORIENTATIONS)
    return by_level[:, 0]


def test_filters_have_no_mean_and_the_right_gain():
    filters = bank()
    assert filters.sum((1, 2, 3)).abs().max() < 1e-5
    wave = grating(64, 4.0, 0.0)[:, :1]
    even, odd = torch.nn.functional.conv2d(wave, filters).chunk(2, 1)
    amplitude = torch.hypot(even, odd)[0, 0]
    assert amplitude.mean().item() == pytest.approx(0.3, rel=0.05)
    assert amplitude.std().item() < 0.02  # whatever the phase


@pytest.mark.parametrize("turn", range(ORIENTATIONS))
@pytest.mark.parametrize("level", range(3))
def test_a_grating_is_found_at_its_level_and_orientation(level, turn):
    wave = grating(64, 4.0 * 2**level, math.pi * turn / ORIENTATIONS)
    found = energies(wave)
    assert np.unravel_index(found.argmax(), found.shape) == (level, turn)


def test_where_a_texture_lies_does_not_matter():
    """A shifted texture, against one turned by 90 degrees."""
    here, there = (texture(grating(64, 8.0, 0.0, phase), 3) for phase in (0.0, 2.0))
    turned = texture(grating(64, 8.0, math.pi / 2), 3)
    assert (here - there).norm() < 0.25 * (here - turned).norm()


def test_colours_are_told_apart():
    plain = [torch.zeros(1, 3, 16, 16) for _ in range(3)]
    for channel, image in enumerate(plain):
        image[:, channel] = 1
    means = [texture(image, 1)[0, :3] for image in plain]
    assert all((means[a] - means[b]).norm() > 1 for a, b in ((0, 1), (0, 2), (1, 2)))


@pytest.mark.parametrize("side", [1, 5, 16, 31, 63, 64, 97])
def test_any_size_and_a_flat_image_give_finite_numbers(side):
    levels = levels_of(side)
    flat, noise = torch.full((1, 3, side, side), 0.5), torch.rand(1, 3, side, side)
    assert torch.isfinite(texture(torch.cat([flat, noise]), levels)).all()
    # Another size of image, as pictures have, is described by as many numbers.
    assert texture(noise, levels).shape == texture(torch.rand(1, 3, 80, 80), levels).shape


def test_the_number_of_levels_follows_the_size():
    assert [levels_of(side) for side in (4, 8, 16, 32, 63, 64, 500)] == [1, 1, 2, 3, 3, 4, 4]
