"""Panels: what they store, and what they show of it."""

import io

import numpy as np
import pytest
from PIL import Image

from lamella.analyses import PANELS
from lamella.numbers.layouts import fitted


def test_panels_are_named_once_and_say_what_they_are():
    names = [panel.name for panel in PANELS]
    assert len(set(names)) == len(names)
    for panel in PANELS:
        assert panel.title and panel.per in {"unit", "network", "view"}
        assert set(panel.needs) <= {"survey", "labels", *names}
        for name, field in panel.settings.model_fields.items():
            assert field.description, f"[panels.{panel.name}] {name} is not described"


# What they share


def test_fitted_keeps_proportions():
    points = fitted(np.array([[0, 0], [10, 0], [10, 5]], np.float32))
    assert points.min() >= 0 and points.max() <= 1
    assert points[1, 0] - points[0, 0] == pytest.approx(2 * (points[2, 1] - points[1, 1]))


def test_encoded_pictures_are_webp():
    from lamella.figures.encoding import encode

    picture = Image.open(io.BytesIO(encode(Image.new("RGB", (8, 8)), 80)))
    assert picture.format == "WEBP"
