"""Case 20, for all analyses: pictures of a network of rectangles show what it sees and no more."""

import io

import numpy as np
import pytest
from PIL import Image

from cases.atlas import case
from helpers.tiny import Tiny
from lamella.pipeline.plan import open_atlas

SIZE = (48, 24)
PANELS = ["objectives", "activation_atlas", "interpretability", "feature_visualization"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    found = case(
        tmp_path_factory.mktemp("rectangles"),
        "20 not square",
        images=6,
        analysis__panels=PANELS,
        model__preprocessing__size=list(SIZE),
        panels__feature_visualization={"steps": 2},
        panels__objectives={"steps": 8},
        panels__activation_atlas={"steps": 4, "grid": 2, "levels": 1, "fewest": 1},
    )
    found.works("build")
    return found


def opened(encoded: bytes) -> Image.Image:
    return Image.open(io.BytesIO(encoded))


def test_pictures_of_objectives_are_rectangles(tiny: Tiny) -> None:
    made = [
        encoded
        for kind in tiny.stored("objectives").pictures.values()
        for encoded in kind.values()
        if encoded
    ]
    assert len(made) > 20
    assert {opened(encoded).size for encoded in made} == {SIZE[::-1]}


def test_cells_of_the_activation_atlas_are_clear_around_what_is_seen(tiny: Tiny) -> None:
    stored = tiny.stored("activation_atlas")
    (still,) = [encoded for encoded in stored.pictures["still"].values() if encoded]
    alpha = np.asarray(opened(still).convert("RGBA"))[..., 3].reshape(2, 48, 2, 48)
    shown = alpha.max((0, 2)) > 0
    assert shown[:, 12:36].all() and not shown[:, :12].any() and not shown[:, 36:].any()


def test_interpretability_has_numbers(tiny: Tiny) -> None:
    facts = next(iter(open_atlas(tiny.config()).layers()))
    stored = facts.of("interpretability")
    assert stored.present.all()
    assert any(
        np.isfinite(values).any() for values in stored.numbers.values() if values.dtype.kind == "f"
    )
