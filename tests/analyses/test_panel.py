"""Panels: what they store, and what they show of it."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lamella.analyses import PANELS
from lamella.analyses.embedding import NEAREST, Options, nearest_on_plane
from lamella.analyses.statistics import histogram
from lamella.analyses.weights import CELL, enlarged, kernels
from lamella.figures.heat import diverging
from lamella.figures.histogram import histogram_coordinates
from lamella.figures.patches import patch, visible
from lamella.network.units import Box, Layer, Segment
from lamella.numbers.layouts import fitted, layouts
from lamella.survey.bins import BINS, ZERO, edges, table


def test_panels_are_named_once_and_say_what_they_are():
    names = [panel.name for panel in PANELS]
    assert len(set(names)) == len(names)
    for panel in PANELS:
        assert panel.title and panel.per in {"unit", "network", "view"}
        assert set(panel.needs) <= {"survey", "labels", *names}
        for name, field in panel.settings.model_fields.items():
            assert field.description, f"[panels.{panel.name}] {name} is not described"


# Dataset examples


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_a_patch_shows_its_box_and_nothing_else(data):
    pixels = np.full((40, 50, 3), 10, np.uint8)
    top, left = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 40))
    height, width = data.draw(st.integers(1, 40 - top)), data.draw(st.integers(1, 50 - left))
    pixels[top : top + height, left : left + width] = 200
    shown = np.asarray(patch(pixels, Box(left, top, width, height), 24).convert("RGBA"))
    inside = shown[shown[..., 3] > 0]
    assert shown.shape == (24, 24, 4) and inside.size
    assert (inside[:, :3] == 200).all()
    rows = (shown[..., 3] > 0).any(axis=1).sum()
    assert rows == max(1, round(24 * height / max(height, width)))


# Weights


def test_white_is_zero_and_signs_are_mirrored():
    colours = diverging(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), limit=1.0)
    assert colours[2].tolist() == [247, 247, 247]
    assert colours[0].tolist() == colours[1].tolist() and colours[1][2] > colours[1][0]
    assert colours[3].tolist() == colours[4].tolist() and colours[3][0] > colours[3][2]


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (1, 7), (7, 1), (11, 11), (60, 60)])
def test_a_kernel_keeps_its_shape_in_its_cell(shape):
    shown = np.asarray(enlarged(np.zeros((*shape, 3), np.uint8)))
    assert shown.shape == (CELL, CELL, 4)
    rows, columns = (shown[..., 3] > 0).any(1).sum(), (shown[..., 3] > 0).any(0).sum()
    assert rows * shape[1] == columns * shape[0]


def test_a_flattened_map_is_folded_back():
    layer = Layer(
        "head", "linear", 2, 1, 1, None, inputs=18, sources=(Segment(0, 18, (("c", 0),), 9),)
    )
    weights = np.arange(36, dtype=np.float64).reshape(2, 18, 1, 1)
    folded = kernels(weights, layer)
    assert folded.shape == (2, 2, 3, 3) and folded[1, 1, 0, 0] == 27


# Activations


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.0078125, 100, width=32), min_size=2, max_size=200))
def test_a_histogram_counts_every_activation_that_is_not_zero(values):
    values = np.array(values, np.float32)
    counts = np.bincount(table()[values.view(np.uint32) >> 19], minlength=BINS)
    counts[ZERO] = 77
    shown = histogram(counts, float(values.max()), float(values.max()))
    assert sum(shown.counts) == values.size
    assert len(shown.edges) == len(shown.counts) + 1
    assert np.all(np.diff(shown.edges) > 0)
    assert shown.edges[0] <= values.min() + 1e-6


@pytest.mark.parametrize("signed", [False, True])
def test_the_share_of_zeros_is_marked_at_zero(signed):
    values = np.linspace(-4 if signed else 2, 9, 301).astype(np.float32)
    values = values[np.abs(values) > 0.01]
    counts = np.bincount(table()[values.view(np.uint32) >> 19], minlength=BINS)
    counts[ZERO] = 3 * values.size
    shown = histogram(counts, 9.0, 8.5, p99=7.0, zeros=0.75)
    assert [mark.label for mark in shown.marks] == ["zero: 75 %", "99 %", "99.9 %", "maximum"]
    assert shown.marks[0].value == 0 and shown.edges[0] <= 0
    assert sum(shown.counts) == values.size, "the zeros are no bar"
    without = histogram(counts, 9.0, 8.5, p99=7.0, zeros=0.0)
    assert [mark.label for mark in without.marks] == ["99 %", "99.9 %", "maximum"]


def test_what_no_photograph_reaches_is_tinted():
    values = np.linspace(1, 10, 100).astype(np.float32)
    counts = np.bincount(table()[values.view(np.uint32) >> 19], minlength=BINS)
    inside, beyond = (histogram(counts, 10.0, 9.9, picture=picture) for picture in (8.0, 20.0))
    assert inside.beyond is None and not inside.note
    assert histogram_coordinates(inside).beyond is None
    assert beyond.beyond == 10.0 and "beyond" in beyond.note
    drawn = histogram_coordinates(beyond)
    maximum = next(mark for mark in drawn.marks if mark.label == "maximum")
    assert drawn.beyond == maximum.at < drawn.right


def test_only_zeros_have_no_histogram():
    counts = np.zeros(BINS, np.int64)
    counts[ZERO] = 5
    assert histogram(counts, 0.0, 0.0) is None
    assert len(edges()) == BINS + 1


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


@given(st.integers(0, 99), st.integers(0, 99), st.integers(1, 100), st.integers(1, 100))
def test_a_frame_holds_its_box_and_stays_in_the_image(left, top, width, height):
    box = Box(left, top, min(width, 100 - left), min(height, 100 - top))
    frame = visible(box, 100, 100)
    assert 0 <= frame.left <= box.left and 0 <= frame.top <= box.top
    assert box.left + box.width <= frame.left + frame.width <= 100
    assert box.top + box.height <= frame.top + frame.height <= 100
    assert frame.width >= 24 and frame.height >= 24
