"""The pictures of an example's maps, and how far these agree."""

import numpy as np
import pytest

from lamella.analyses.unit_attribution.drawing import compare, gradient_picture, marked, sheet
from lamella.analyses.unit_attribution.example_maps import ExampleMaps
from lamella.config.planes import Planes
from lamella.config.preprocessing import Preprocessing
from lamella.network.units import Box

RGB = Planes.of(Preprocessing())


def drawn(box: Box, cells: tuple[int, int] = (7, 7)) -> ExampleMaps:
    random = np.random.default_rng(0)
    gradient = random.normal(size=(3, box.height, box.width)).astype(np.float32)
    grid, lost = (random.random(cells).astype(np.float32) for _ in range(2))
    return ExampleMaps(box, gradient, grid, lost, 2.0)


def test_a_sheet_has_the_shape_of_the_patches():
    made = sheet([drawn(Box(0, 0, 60, 30)), None, drawn(Box(3, 3, 3, 3), (3, 3))], 48, RGB)
    assert made.size == (144, 144) and made.mode == "RGBA"
    alpha = np.asarray(made)[..., 3]
    assert not alpha[48:96].any() and not alpha[:12].any()
    assert (alpha[12:36, :96] == 255).all() and (alpha[96:, :96] == 255).all()
    assert sheet([drawn(Box(0, 0, 40, 40))], 32, RGB).size == (96, 32)


def test_a_gradient_is_grey_where_it_is_nothing():
    gradient = np.zeros((3, 20, 20), np.float32)
    assert (np.asarray(gradient_picture(gradient, (20, 20))) == 128).all()
    gradient[0, 5:9], gradient[2, 5:9] = 2.0, -1.0
    found = np.asarray(gradient_picture(gradient, (20, 20)))
    assert found[6, 3].tolist() == [255, 128, 64] and found[15, 3].tolist() == [128, 128, 128]


def test_marks_agree_with_themselves_and_level_maps_mark_nothing():
    box = Box(0, 0, 70, 70)
    one = drawn(box)
    same = ExampleMaps(box, one.guided, one.lost / 3, one.lost, 1.0)
    agreement, (both, first, second) = compare(same, 96)
    assert agreement == pytest.approx(1) and both > 0 and first == second == 0
    opposite = ExampleMaps(box, one.guided, 1 - one.lost, one.lost, 1.0)
    agreement, (both, first, second) = compare(opposite, 96)
    assert agreement == pytest.approx(-1) and first > both < second
    level = ExampleMaps(box, one.guided, np.zeros((7, 7), np.float32), one.lost, 1.0)
    assert np.isnan(compare(level, 96)[0])
    assert not marked(np.zeros((7, 7), np.float32), (96, 96)).any()
    assert not marked(np.full((7, 7), -1, np.float32), (96, 96)).any()
