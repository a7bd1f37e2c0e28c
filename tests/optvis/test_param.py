"""The Fourier parameterization against numpy, one image and one colour at a time."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lamella.optvis.param import COLOURS, CONTRAST, MARGIN, Fourier, mixed, planes_of, scrambled


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make a busy machine slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def slow_scale(side: int, decay: float, wave: float | None) -> np.ndarray:
    """Weight of every frequency of the full plane, straight from the formula."""
    scale = np.empty((side, side))
    for row in range(side):
        for column in range(side):
            down = min(row, side - row) / side
            across = min(column, side - column) / side
            lowest = max(1 / side, 1 / wave if wave else 0)
            scale[row, column] = max(math.hypot(down, across), lowest) ** -decay
    return np.asarray(scale * CONTRAST / math.sqrt((scale**2).mean()))


def slow_image(spectrum: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """One image, `(3, side, side)`, from one spectrum, in float64."""
    side = len(scale)
    matrix = np.array(COLOURS)
    matrix /= max(math.sqrt(sum(matrix[row, axis] ** 2 for row in range(3))) for axis in range(3))
    half = scale[:, : side // 2 + 1]
    planes = [
        np.fft.irfft2((plane[..., 0] + 1j * plane[..., 1]) * half, s=(side, side), norm="ortho")
        for plane in spectrum.astype(np.float64)
    ]
    rows = [sum(matrix[row, axis] * planes[axis] for axis in range(3)) for row in range(3)]
    return 1 / (1 + np.exp(-np.stack(rows)))


@settings(deadline=None, max_examples=40)
@given(
    side=st.integers(4, 21),
    decay=st.floats(0, 2),
    wave=st.none() | st.floats(2, 40),
    seeds=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=3),
)
def test_images_are_those_of_numpy(
    side: int, decay: float, wave: float | None, seeds: list[int]
) -> None:
    fourier = Fourier(side, decay=decay, wave=wave, deviation=0.5)
    spectra = fourier.start(generators(*seeds))
    images = fourier(spectra).numpy()
    assert images.shape == (len(seeds), 3, side, side)
    assert images.dtype == np.float32
    scale = slow_scale(side, decay, wave)
    for spectrum, image in zip(spectra.numpy(), images, strict=True):
        np.testing.assert_allclose(image, slow_image(spectrum, scale), atol=2e-5)


@pytest.mark.parametrize("side", [8, 11])
def test_gradient_is_that_of_autograd(side: int) -> None:
    fourier = Fourier(side, decay=1.2)
    spectra = fourier.start(generators(1, 2)).requires_grad_()
    toward = torch.randn((2, 3, side, side), generator=generators(3)[0])
    planes = torch.fft.irfft2(
        torch.view_as_complex(spectra) * fourier.scale, s=(side, side), norm="ortho"
    )
    plain = torch.sigmoid(torch.einsum("rc,bcyx->bryx", fourier.colours, planes))
    (expected,) = torch.autograd.grad((plain * toward).sum(), spectra)
    (gradient,) = torch.autograd.grad((fourier(spectra) * toward).sum(), spectra)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("decay", [0.0, 1.0, 1.5])
@pytest.mark.parametrize("wave", [None, 12.0])
@pytest.mark.parametrize("side", [32, 63, 96])
def test_a_coefficient_means_the_same_contrast_at_every_size(
    side: int, wave: float | None, decay: float
) -> None:
    fourier = Fourier(side, decay=decay, wave=wave)
    noise = torch.randn((200, side, side), generator=generators(0)[0])
    # Of white noise of variance one, every coefficient has magnitude one on average.
    planes = torch.fft.irfft2(torch.fft.rfft2(noise) * fourier.scale, s=(side, side))
    assert planes.square().mean().sqrt().item() == pytest.approx(CONTRAST, rel=0.05)


def test_no_wave_is_favoured_over_the_longest() -> None:
    scale = Fourier(64, decay=1.2, wave=16).scale
    assert (scale <= scale[0, 4]).all()  # four waves in 64 pixels: 16 pixels each
    assert (scale[0, :5] == scale[0, 4]).all()
    assert scale[0, 5] < scale[0, 4]


def test_start_is_by_seed_alone() -> None:
    fourier = Fourier(16)
    first, second, third = fourier.start(generators(7, 8, 7))
    assert torch.equal(first, third)
    assert not torch.equal(first, second)
    assert torch.equal(second, fourier.start(generators(8))[0])
    assert first.std().item() == pytest.approx(0.01, rel=0.1)


def test_images_do_not_depend_on_their_neighbours() -> None:
    fourier = Fourier(48)
    spectra = fourier.start(generators(*range(16)))
    together = fourier(spectra)
    turned = fourier(spectra.flip(0)).flip(0)
    assert torch.equal(together, turned)


def photograph(side: int) -> Tensor:
    """A stand-in for one: a sky that fades, a hill, a sun, and grain."""
    down, across = torch.meshgrid(*[torch.linspace(0, 1, side)] * 2, indexing="ij")
    sky = torch.stack([0.4 + 0.4 * down, 0.5 + 0.3 * down, 0.9 - 0.2 * down])
    hill = down > 0.6 + 0.15 * torch.sin(5 * across)
    sun = torch.hypot(down - 0.25, across - 0.7) < 0.12
    image = torch.where(hill, torch.tensor([0.25, 0.4, 0.1])[:, None, None], sky)
    image = torch.where(sun, torch.tensor([0.95, 0.9, 0.6])[:, None, None], image)
    grain = torch.randn(image.shape, generator=generators(0)[0])
    return (image + 0.02 * grain).clamp(0.02, 0.98)


def test_it_can_fit_a_photograph() -> None:
    goal = photograph(48)
    fourier = Fourier(48)
    spectra = fourier.start(generators(0)).requires_grad_()
    adam = torch.optim.Adam([spectra], lr=0.05)
    for _ in range(200):
        loss = (fourier(spectra)[0] - goal).square().mean()
        (spectra.grad,) = torch.autograd.grad(loss, spectra)
        adam.step()
    assert (fourier(spectra)[0] - goal).abs().mean().item() < 0.02


# Pictures as numbers


@pytest.mark.parametrize("decorrelated", [True, False])
@pytest.mark.parametrize("wave", [None, 12.0])
@pytest.mark.parametrize("side", [16, 21])
def test_a_picture_comes_back(side: int, wave: float | None, decorrelated: bool) -> None:
    images = torch.rand((2, 3, side, side), generator=generators(3)[0])
    images = images.clamp(MARGIN, 1 - MARGIN)
    fourier = Fourier(side, decay=1.2, wave=wave, decorrelated=decorrelated)
    spectra = fourier.of(images)
    assert spectra.shape == fourier.start(generators(0, 1)).shape
    assert spectra.dtype == torch.float32
    torch.testing.assert_close(fourier(spectra), images, atol=1e-4, rtol=0)


def test_black_and_white_come_back_as_near_as_can_be() -> None:
    images = torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, 3, 16, 16)
    fourier = Fourier(16)
    back = fourier(fourier.of(images))
    assert back.isfinite().all()
    torch.testing.assert_close(back, images.clamp(MARGIN, 1 - MARGIN), atol=1e-4, rtol=0)


@pytest.mark.parametrize("decorrelated", [True, False])
def test_zeros_are_grey(decorrelated: bool) -> None:
    fourier = Fourier(16, decorrelated=decorrelated)
    assert fourier.zeros(2).shape == fourier.start(generators(0, 1)).shape
    assert torch.equal(fourier(fourier.zeros(2)), torch.full((2, 3, 16, 16), 0.5))


def test_confining_changes_nothing() -> None:
    fourier = Fourier(16)
    spectra = fourier.start(generators(0)) * 1e4
    before = spectra.clone()
    fourier.confine(spectra)
    assert torch.equal(spectra, before)


def test_without_decorrelation_the_planes_are_the_colours() -> None:
    fourier = Fourier(16, decorrelated=False, deviation=0.5)
    spectra = fourier.start(generators(0))
    spectra[:, 1:] = 0  # red alone
    red, green, blue = fourier(spectra)[0]
    assert red.std() > 0.1
    assert torch.equal(green, torch.full((16, 16), 0.5))
    assert torch.equal(blue, torch.full((16, 16), 0.5))
    plane = np.fft.irfft2(
        (spectra[0, 0, ..., 0] + 1j * spectra[0, 0, ..., 1]).numpy()
        * slow_scale(16, 1.0, None)[:, :9],
        s=(16, 16),
        norm="ortho",
    )
    np.testing.assert_allclose(red.numpy(), 1 / (1 + np.exp(-plane)), atol=2e-5)


def test_decorrelated_colours_vary_most_in_lightness() -> None:
    images = Fourier(32, deviation=0.5)(Fourier(32, deviation=0.5).start(generators(*range(8))))
    colours = images.logit().movedim(1, 0).flatten(1)
    correlations = torch.corrcoef(colours)
    assert correlations.min() > 0.5
    plain = Fourier(32, deviation=0.5, decorrelated=False)
    images = plain(plain.start(generators(*range(8))))
    correlations = torch.corrcoef(images.logit().movedim(1, 0).flatten(1)) - torch.eye(3)
    assert correlations.abs().max() < 0.1


# Spectra of photographs with other phases


def spectra_of(images: Tensor) -> np.ndarray:
    """Spectra of decorrelated colours before the sigmoid, in float64."""
    matrix = np.array(COLOURS)
    matrix /= np.sqrt((matrix**2).sum(0)).max()
    pixels = images.numpy().astype(np.float64)
    planes = np.einsum("cr,irhw->ichw", np.linalg.inv(matrix), np.log(pixels / (1 - pixels)))
    return np.fft.fft2(planes, norm="ortho")


@pytest.mark.parametrize("side", [16, 21])
def test_scrambled_keeps_magnitudes_and_not_phases(side: int) -> None:
    images = torch.stack([photograph(side), photograph(side).flip(2)])
    found = scrambled(images, [1, 2])
    assert found.shape == images.shape
    assert found.min() >= 0
    assert found.max() <= 1
    before, after = spectra_of(images), spectra_of(found)
    np.testing.assert_allclose(np.abs(after), np.abs(before), rtol=1e-2, atol=2e-2)
    # As directions in the plane, old and new phases have nothing in common.
    agreement = (before / np.abs(before) * np.conj(after / np.abs(after))).real
    assert abs(agreement.mean()) < 0.1


def test_scrambled_is_by_seed_alone() -> None:
    images = photograph(16).expand(3, 3, 16, 16)
    first, second, again = scrambled(images, [1, 2, 1])
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert torch.equal(scrambled(images[:1], [2])[0], second)


def test_planes_and_colours_are_inverse() -> None:
    images = torch.rand((2, 3, 8, 8), generator=generators(0)[0]).clamp(MARGIN, 1 - MARGIN)
    colours = Fourier(8).colours
    torch.testing.assert_close(mixed(planes_of(images, colours), colours), images)
