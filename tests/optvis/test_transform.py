"""Shaking images: against an explicit resampling, and the promises about random numbers."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lamella.optvis.transform import Crops, Interpolation, Transformation, view

IDENTITY = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def mirrored(pixel: float, side: int) -> float:
    """A coordinate in pixels brought into the image by reflection at its outer edges."""
    pixel = (pixel + 0.5) % (2 * side)
    return min(pixel, 2 * side - pixel) - 0.5


def slow_view(image: np.ndarray, matrix: np.ndarray, interpolation: str) -> np.ndarray:
    """One channel, pixel by pixel, from the definition of an affine map."""
    side = len(image)
    result = np.empty((side, side))
    for row in range(side):
        for column in range(side):
            at = np.array([(2 * column + 1) / side - 1, (2 * row + 1) / side - 1, 1.0])
            x, y = ((matrix @ at + 1) * side - 1) / 2  # in pixels
            x, y = (min(max(mirrored(each, side), 0), side - 1) for each in (x, y))
            if interpolation == "nearest":
                result[row, column] = image[round(y), round(x)]
                continue
            top, left = min(int(y), side - 2), min(int(x), side - 2)
            down, right = y - top, x - left
            result[row, column] = (1 - down) * (
                (1 - right) * image[top, left] + right * image[top, left + 1]
            ) + down * ((1 - right) * image[top + 1, left] + right * image[top + 1, left + 1])
    return result


def some_matrices(count: int, seed: int = 0) -> Tensor:
    wild = Transformation(jitter=0.3, smallest=0.5, largest=2.0, rotation=60)
    return wild.matrices(generators(*range(seed, seed + count)), 1)[0]


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("side", [7, 12])
def test_view_is_the_explicit_resampling(side: int, interpolation: Interpolation) -> None:
    matrices = some_matrices(4)
    # The image of coordinates: each pixel says where it is.
    down, across = torch.meshgrid(*[torch.arange(float(side))] * 2, indexing="ij")
    images = torch.stack([down, across]).expand(4, 2, side, side)
    seen = view(images, matrices, Transformation(interpolation=interpolation)).numpy()
    for image in range(4):
        for channel in range(2):
            expected = slow_view(
                images[image, channel].numpy(), matrices[image].double().numpy(), interpolation
            )
            difference = np.abs(seen[image, channel] - expected)
            # A position halfway between two pixels may be rounded either way.
            assert np.quantile(difference, 0.95) < 1e-4


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_view_is_torchs_own(interpolation: Interpolation) -> None:
    images = torch.rand((5, 3, 24, 24), generator=generators(1)[0])
    matrices = some_matrices(5)
    grid = F.affine_grid(matrices, [5, 3, 24, 24], align_corners=False)
    theirs = F.grid_sample(
        images, grid, mode=interpolation, padding_mode="reflection", align_corners=False
    )
    difference = (
        view(images, matrices, Transformation(interpolation=interpolation)) - theirs
    ).abs()
    assert (difference < 1e-4).float().mean() > 0.999


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_no_motion_is_no_change(interpolation: Interpolation) -> None:
    image = torch.rand((1, 3, 16, 16), generator=generators(1)[0])
    still = Transformation(jitter=0, smallest=1, largest=1, rotation=0)
    matrices = still.matrices(generators(3), 2)
    torch.testing.assert_close(matrices, IDENTITY.expand(2, 1, 2, 3))
    moving = Transformation(interpolation=interpolation)
    torch.testing.assert_close(view(image, matrices[0], moving), image)
    assert view(image, matrices[0], still) is image


def test_half_a_side_shifts_by_half_the_pixels() -> None:
    image = torch.rand((1, 3, 16, 16), generator=generators(1)[0])
    right = IDENTITY.clone()
    right[0, 0, 2] = 0.5  # a quarter of the span of 2: the view looks 4 pixels further right
    torch.testing.assert_close(view(image, right, Transformation())[..., :12], image[..., 4:])


@settings(deadline=None, max_examples=40)
@given(
    jitter=st.floats(0, 0.5),
    smallest=st.floats(0.2, 1),
    largest=st.floats(1, 3),
    rotation=st.floats(0, 90),
    seed=st.integers(0, 2**63 - 1),
)
def test_no_motion_exceeds_its_limit(
    jitter: float, smallest: float, largest: float, rotation: float, seed: int
) -> None:
    limits = Transformation(jitter, smallest, largest, rotation)
    matrices = limits.matrices(generators(seed), 50)[:, 0].double()
    magnification = 1 / torch.linalg.det(matrices[:, :, :2]).sqrt()
    angle = torch.rad2deg(torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    assert (matrices[:, :, 2].abs() <= 2 * jitter + 1e-6).all()
    assert (magnification >= smallest - 1e-4).all()
    assert (magnification <= largest + 1e-4).all()
    assert (angle.abs() <= rotation + 1e-4).all()


def test_motions_spread_as_promised() -> None:
    matrices = Transformation().matrices(generators(0), 20_000)[:, 0].double()
    angle = torch.rad2deg(torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    logarithm = -torch.linalg.det(matrices[:, :, :2]).log() / 2
    # Standard deviations of the triangular and the uniform distribution.
    assert angle.std().item() == pytest.approx(10 / math.sqrt(6), rel=0.03)
    assert logarithm.std().item() == pytest.approx(math.log(1.1 / 0.9) / math.sqrt(12), rel=0.03)
    assert matrices[:, 0, 2].std().item() == pytest.approx(2 / 16 / math.sqrt(3), rel=0.03)


def test_motions_are_by_seed_alone() -> None:
    shape = Transformation()
    together = shape.matrices(generators(4, 5, 4), 8)
    assert together.shape == (8, 3, 2, 3)
    assert torch.equal(together[:, 0], together[:, 2])
    assert not torch.equal(together[:, 0], together[:, 1])
    assert torch.equal(together[:, 1:2], shape.matrices(generators(5), 8))
    assert not torch.equal(together[0], together[1])


def test_impossible_magnification_is_refused() -> None:
    with pytest.raises(ValueError, match="smallest <= largest"):
        Transformation(smallest=1.2, largest=0.9)


def test_nothing_is_added_to_a_view() -> None:
    image = torch.rand((1, 3, 16, 16), generator=generators(1)[0])
    generator = generators(1)[0]
    before = generator.get_state()
    assert Transformation().disturbed(image, [generator]) is image
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize(
    "still",
    [
        Transformation(jitter=0.1, smallest=1, largest=1, rotation=0),
        Transformation(jitter=0, smallest=0.9, largest=1, rotation=0),
        Transformation(jitter=0, smallest=1, largest=1.1, rotation=0),
        Transformation(jitter=0, smallest=1, largest=1, rotation=1),
    ],
)
def test_what_moves_is_not_still(still: Transformation) -> None:
    assert not still.still


# Crops


def corners(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Where the first and the last edge of a view lie on either axis, as shares of the side."""
    extent = torch.stack([matrices[..., 0, 0], matrices[..., 1, 1]], dim=-1).double()
    centre = matrices[..., 2].double()
    return (centre - extent + 1) / 2, (centre + extent + 1) / 2


@settings(deadline=None, max_examples=40)
@given(
    first=st.floats(0.05, 1),
    last=st.floats(0.05, 1),
    spread=st.floats(0, 2),
    steps=st.integers(1, 12),
    seed=st.integers(0, 2**63 - 1),
)
def test_crops_lie_inside_the_image(
    first: float, last: float, spread: float, steps: int, seed: int
) -> None:
    matrices = Crops(first, last, spread).matrices(generators(seed, seed // 2), steps)
    assert matrices.shape == (steps, 2, 2, 3)
    start, stop = corners(matrices)
    assert (start >= -1e-6).all()
    assert (stop <= 1 + 1e-6).all()
    # A square, neither turned nor sheared, whose side goes from the first to the last.
    assert (matrices[..., 0, 1] == 0).all()
    assert (matrices[..., 1, 0] == 0).all()
    for step in range(steps):
        side = first + (last - first) * step / max(1, steps - 1)
        torch.testing.assert_close(
            stop[step] - start[step],
            torch.full((2, 2), side, dtype=torch.float64),
            atol=1e-6,
            rtol=0,
        )


def test_crops_spread_as_promised() -> None:
    small = Crops(first=0.05, last=0.05)  # so small that the border hardly ever holds one back
    start, stop = corners(small.matrices(generators(0), 20_000))
    centre = ((start + stop) / 2)[:, 0]
    assert centre.mean().item() == pytest.approx(0.5, abs=0.01)
    assert centre.std(0).tolist() == pytest.approx([0.15, 0.15], rel=0.03)
    assert torch.corrcoef(centre.T)[0, 1].abs() < 0.03


def test_crops_are_by_seed_alone() -> None:
    together = Crops().matrices(generators(4, 5, 4), 8)
    assert torch.equal(together[:, 0], together[:, 2])
    assert not torch.equal(together[:, 0], together[:, 1])
    assert torch.equal(together[:, 1:2], Crops().matrices(generators(5), 8))


def test_a_crop_shows_its_part_of_the_image() -> None:
    side = 16
    down, across = torch.meshgrid(*[torch.arange(float(side))] * 2, indexing="ij")
    images = torch.stack([down, across]).expand(3, 2, side, side)
    matrices = Crops().matrices(generators(1, 2, 3), 1)[0]
    seen = view(images, matrices, Crops()).numpy()
    for image in range(3):
        for channel in range(2):
            expected = slow_view(
                images[image, channel].numpy(), matrices[image].double().numpy(), "bilinear"
            )
            np.testing.assert_allclose(seen[image, channel], expected, atol=1e-4)


def test_noise_is_each_images_own() -> None:
    images = torch.rand((3, 3, 16, 16), generator=generators(1)[0])
    crops = Crops(noise=0.08)
    noise = crops.disturbed(images, generators(4, 5, 4)) - images
    torch.testing.assert_close(noise[0], noise[2])
    assert not torch.equal(noise[0], noise[1])
    alone = crops.disturbed(images[1:2], generators(5)) - images[1:2]
    assert torch.equal(alone[0], noise[1])
    generator = generators(4)
    first, second = (crops.disturbed(images[:1], generator) for _ in range(2))
    assert not torch.equal(first, second), "the same noise at every step"
    many = crops.disturbed(torch.zeros(1, 3, 64, 64), generators(0))
    assert many.std().item() == pytest.approx(0.08, rel=0.05)
    assert torch.equal(Crops(noise=0).disturbed(images, generators(1, 2, 3)), images)
