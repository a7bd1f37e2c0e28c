"""Phases under the magnitudes of photographs, against numpy's full transforms in float64."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from lamella.optvis import MACO, Channel, Crops, Maco, Settings, ascend, magnitudes
from lamella.optvis.param import COLOURS, MARGIN

Planes = NDArray[np.float64]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make a busy machine slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def photographs(images: int, side: int, seed: int = 0) -> Tensor:
    """Stand-ins: noise whose detail fades, in colours, and some grain."""
    grain = noise = torch.randn((images, 3, side, side), generator=generators(seed)[0])
    for axis in (2, 3):
        for reach in (1, 2, 4):
            noise = (noise + noise.roll(reach, axis)) / math.sqrt(2)
    return (0.4 * noise + 0.3 * grain + torch.tensor([0.5, 0.2, -0.3])[:, None, None]).sigmoid()


def slow_spectra(images: Tensor) -> Planes:
    """Full spectra of decorrelated colours before the sigmoid, `(image, 3, side, side)`."""
    matrix = np.array(COLOURS)
    matrix /= max(math.sqrt(sum(matrix[row, axis] ** 2 for row in range(3))) for axis in range(3))
    spectra = []
    for image in images.numpy().astype(np.float64):
        pixels = np.clip(image, MARGIN, 1 - MARGIN)
        logits = np.log(pixels / (1 - pixels))
        planes = np.linalg.solve(matrix, logits.reshape(3, -1)).reshape(logits.shape)
        spectra.append(np.fft.fft2(planes, norm="ortho"))
    return np.array(spectra)


def signed(side: int) -> Planes:
    """Where a real picture's spectrum is real: it has a sign there and no phase."""
    at = np.arange(side)
    own = (2 * at) % side == 0
    return own[:, None] & own[None, : side // 2 + 1]


# The magnitudes


@pytest.mark.parametrize("side", [8, 9])
def test_magnitudes_are_those_of_numpy(side: int) -> None:
    images = photographs(5, side)
    found = magnitudes([images[:2], images[2:]], side)
    assert found.shape == (3, side, side // 2 + 1)
    assert found.dtype == torch.float32
    expected = np.abs(slow_spectra(images)).mean(0)[..., : side // 2 + 1]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3, atol=1e-4)


def test_magnitudes_do_not_depend_on_batches() -> None:
    images = photographs(6, 16)
    whole = magnitudes([images], 16)
    torch.testing.assert_close(magnitudes(images.split(1), 16), whole)
    torch.testing.assert_close(magnitudes(iter(images.split(4)), 16), whole)


def test_images_are_scaled_to_the_side() -> None:
    images = photographs(2, 8)
    large = images.repeat_interleave(2, 2).repeat_interleave(3, 3)
    torch.testing.assert_close(magnitudes([large], 8), magnitudes([images], 8))


def test_black_and_white_photographs_are_finite() -> None:
    images = torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, 3, 8, 8)
    assert magnitudes([images], 8).isfinite().all()


def test_no_image_has_no_magnitudes() -> None:
    with pytest.raises(ValueError, match="at least one"):
        magnitudes([], 8)


# The picture


@settings(deadline=None, max_examples=40)
@given(side=st.integers(4, 13), seed=st.integers(0, 1000))
def test_every_phase_is_a_picture_of_those_magnitudes(side: int, seed: int) -> None:
    magnitude = magnitudes([photographs(3, side, seed)], side)
    magnitude = magnitude / magnitude.max()  # far from where a sigmoid in float32 is flat
    maco = Maco(magnitude)
    phases = 5 * torch.randn((2, 3, side, side // 2 + 1), generator=generators(seed)[0])
    images = maco(phases)
    assert images.shape == (2, 3, side, side)
    assert images.min() >= 0
    assert images.max() <= 1
    found = np.abs(slow_spectra(images))[..., : side // 2 + 1]
    real = signed(side)
    expected = np.broadcast_to(magnitude.numpy(), found.shape)
    np.testing.assert_allclose(found[..., ~real], expected[..., ~real], rtol=2e-3, atol=1e-3)
    # What has a sign and no phase lies between the two.
    assert (found[..., real] <= expected[..., real] + 1e-3).all()
    cosines = np.abs(np.cos(phases.numpy()[..., real]))
    np.testing.assert_allclose(found[..., real], expected[..., real] * cosines, atol=1e-3)


@pytest.mark.parametrize("side", [8, 9])
def test_the_phases_of_a_picture_give_it_back(side: int) -> None:
    images = photographs(1, side).clamp(MARGIN, 1 - MARGIN)
    maco = Maco(magnitudes([images], side))
    phases = maco.of(images)
    assert phases.shape == maco.start(generators(0)).shape
    torch.testing.assert_close(maco(phases), images, atol=1e-3, rtol=0)


def test_another_picture_lends_its_phases_alone() -> None:
    image, other = photographs(2, 16).clamp(MARGIN, 1 - MARGIN).split(1)
    maco = Maco(magnitudes([other], 16))
    found, wanted = slow_spectra(maco(maco.of(image))), slow_spectra(image)
    free = ~np.concatenate([signed(16), np.zeros((16, 7), dtype=bool)], axis=1)
    agreement = (found * np.conj(wanted) / np.abs(found) / np.abs(wanted)).real
    assert agreement[..., free].min() > 0.99
    np.testing.assert_allclose(np.abs(found), np.abs(slow_spectra(other)), rtol=2e-2, atol=2e-2)


def test_start_is_by_seed_alone_and_all_around() -> None:
    maco = Maco(torch.ones(3, 32, 17))
    first, second, third = maco.start(generators(7, 8, 7))
    assert torch.equal(first, third)
    assert not torch.equal(first, second)
    assert torch.equal(second, maco.start(generators(8))[0])
    assert -math.pi <= first.min() < -3.1 < 3.1 < first.max() <= math.pi
    assert first.mean().item() == pytest.approx(0, abs=0.15)


def test_zeros_have_their_crests_in_the_corner() -> None:
    maco = Maco(torch.ones(3, 8, 5) / 8)
    images = maco(maco.zeros(2))
    assert torch.equal(images[0], images[1])
    lightness = images[0].sum(0)
    assert lightness.argmax() == 0
    phases = maco.zeros(2)
    maco.confine(phases)
    assert torch.equal(phases, maco.zeros(2))


# The ascent


def network() -> nn.Sequential:
    layers = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 6, 3, padding=1))
    generator = generators(0)[0]
    for parameter in layers.parameters():
        parameter.data.normal_(0, 0.2, generator=generator)
    return layers.requires_grad_(False).eval()


def test_a_few_steps_raise_the_objective() -> None:
    layers = network()
    settings = Settings(
        steps=10, rule="nadam", learning_rate=1.0, transformation=Crops(last=0.3), views=2
    )
    magnitude = magnitudes([photographs(4, 32)], 32)
    objective = Channel(torch.arange(4))
    made = ascend(
        lambda images: layers(images - 0.5),
        objective,
        size=32,
        seeds=range(4),
        settings=settings,
        parameterization=Maco(magnitude),
    )
    start = Maco(magnitude)(Maco(magnitude).start(generators(*range(4))))
    assert (made.value > objective(layers(start - 0.5))).all()
    found = np.abs(slow_spectra(made.images.clamp(MARGIN, 1 - MARGIN)))[..., :17]
    free = ~signed(32)
    expected = np.broadcast_to(magnitude.numpy(), found.shape)
    np.testing.assert_allclose(found[..., free], expected[..., free], rtol=0.05, atol=0.05)


def test_the_published_settings_run() -> None:
    layers = network()
    made = ascend(
        layers,
        Channel(torch.arange(2)),
        size=16,
        seeds=range(2),
        settings=MACO,
        parameterization=Maco(magnitudes([photographs(2, 16)], 16)),
        before_step=lambda step: None,
    )
    assert made.curve.shape == (2, 256)
    assert made.opacity is not None
    assert made.opacity.shape == (2, 16, 16)
