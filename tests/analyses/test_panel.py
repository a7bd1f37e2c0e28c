"""Panels: what they store, and what they show of it."""

import io

import numpy as np
import pytest
from PIL import Image

from lamella.analyses import PANELS
from lamella.analyses.embedding import NEAREST, Options, nearest_on_plane
from lamella.numbers.layouts import fitted, layouts


def test_panels_are_named_once_and_say_what_they_are():
    names = [panel.name for panel in PANELS]
    assert len(set(names)) == len(names)
    for panel in PANELS:
        assert panel.title and panel.per in {"unit", "network", "view"}
        assert set(panel.needs) <= {"survey", "labels", *names}
        for name, field in panel.settings.model_fields.items():
            assert field.description, f"[panels.{panel.name}] {name} is not described"


# Maps of units


@pytest.mark.parametrize("units", [1, 2, 3, 5, 40])
def test_few_units_have_a_map_too(units):
    profiles = np.random.default_rng(units).standard_normal((units, 256)).astype(np.float32)
    for points in layouts(profiles, Options(), seed=0).values():
        assert points.shape == (units, 2) and np.isfinite(points).all()
    assert nearest_on_plane(profiles[:, :2]).shape == (units, min(NEAREST, units - 1))


def test_maps_are_the_same_twice():
    profiles = np.random.default_rng(0).standard_normal((60, 256)).astype(np.float32)
    one, other = (layouts(profiles, Options(), seed=3) for _ in range(2))
    for name in ("umap", "tsne", "pca"):
        assert one[name].tobytes() == other[name].tobytes()


def test_fitted_keeps_proportions():
    points = fitted(np.array([[0, 0], [10, 0], [10, 5]], np.float32))
    assert points.min() >= 0 and points.max() <= 1
    assert points[1, 0] - points[0, 0] == pytest.approx(2 * (points[2, 1] - points[1, 1]))


def test_encoded_pictures_are_webp():
    from lamella.figures.encoding import encode

    picture = Image.open(io.BytesIO(encode(Image.new("RGB", (8, 8)), 80)))
    assert picture.format == "WEBP"
