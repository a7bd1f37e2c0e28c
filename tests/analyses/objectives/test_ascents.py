"""What is measured of the pictures."""

import torch

import lamella.analyses.objectives.ascents as ascents
from lamella import optvis
from lamella.analyses.objectives.ascents import profile


def test_a_profile_finds_the_frequency_of_a_wave() -> None:
    side, wave = 48, 8
    x = 0.5 + 0.2 * torch.sin(2 * torch.pi * torch.arange(side) / wave)
    image = x.expand(1, 3, side, side)
    found = profile(optvis.magnitudes([image], side))
    assert found.argmax() == int(2 * ascents.BINS / wave)
