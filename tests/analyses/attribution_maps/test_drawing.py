"""Attribution maps as they are drawn: full colour, sheets."""

import numpy as np
import pytest

from lamella.analyses.attribution_maps.drawing import scaled, sheets
from lamella.analyses.attribution_maps.stored import (
    COARSE,
    CONTOUR,
    SIDE,
    columns,
)
from lamella.attribution.methods import BY_NAME
from lamella.figures import heat


def test_full_colour_is_stated_and_never_below_zero() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(200, 200)).astype(np.float32)
    fine = scaled(BY_NAME["integrated"], values)
    small = np.abs(heat.reduced(values, 128, signed=True))
    assert (small > fine.full).mean() == pytest.approx(0.005, abs=0.001)
    assert (fine.largest, fine.lowest) == (values.max(), values.min())
    coarse = scaled(BY_NAME["cam"], values - 1)
    assert coarse.full == np.abs(values - 1).max()
    share = scaled(BY_NAME["gradcam"], np.abs(values))
    assert share.full == 1 and share.values.max() == 1 and share.largest == np.abs(values).max()
    nothing = scaled(BY_NAME["gradcam"], 0 * values)
    assert nothing.full == 0 and not nothing.values.any()
    one = np.zeros((200, 200), np.float32)
    one[3, 3] = 2.0
    assert scaled(BY_NAME["saliency"], one).full == 2  # fewer than one in 200 pixels


def test_a_map_of_no_class_has_one_cell() -> None:
    values = np.random.default_rng(0).random((4, 4), np.float32)
    maps = {
        name: [scaled(BY_NAME[name], values)] * number
        for name, number in (("gradcam", 2), ("rollout", 1))
    }
    assert columns(list(maps)) == {COARSE: [CONTOUR, "gradcam", "rollout"]}
    sheet = np.asarray(sheets(maps, 2)[COARSE])
    side = SIDE[COARSE]
    assert sheet.shape == (2 * side, 3 * side, 4)
    assert sheet[:side, 2 * side :, 3].all() and not sheet[side:, 2 * side :, 3].any()
