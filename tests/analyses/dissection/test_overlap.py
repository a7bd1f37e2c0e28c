"""Dissection against slow truths: sets of pixels, torch's interpolation, exact quantiles."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from lamella.analyses.dissection.colours import COLOURS, colours_of, oklch
from lamella.analyses.dissection.detectors import (
    RANKED,
    HalfCounts,
    detect,
    eligible,
    has_threshold,
)
from lamella.analyses.dissection.overlap import Areas, Overlap
from lamella.analyses.dissection.thresholds import ERROR, SHARE, Sketch, exponent_of, threshold
from lamella.network.units import Layer
from lamella.places.field import Field, ReceptiveField
from lamella.survey.bins import BINS, table

SIDE = 12  # of the label planes
CONCEPTS, KINDS = 5, (0, 0, 1, 1, 1)
LIMIT = 0.7310585  # no interpolated value of small whole numbers is that


def layer_of(channels: int, height: int, width: int, field: Field | None = None) -> Layer:
    return Layer("layer", "convolution", channels, height, width, field)


def random_case(seed: int, images: int, channels: int, height: int, width: int):
    """Maps of small whole numbers, mostly zero, and two planes of labels."""
    random = np.random.default_rng(seed)
    maps = random.integers(-1, 4, (images, channels, height, width))
    maps = maps * (random.random(maps.shape) < 0.4)
    planes = np.stack(
        [
            random.integers(0, 3, (images, SIDE, SIDE)),
            np.where(random.random((images, 1, 1)) < 0.7, random.integers(3, 6), 0)
            * random.integers(0, 2, (images, SIDE, SIDE)),
        ],
        axis=1,
    )
    return maps.astype(np.float32), planes.astype(np.int32)


def presence(planes: np.ndarray) -> np.ndarray:
    """Which image has a concept of which kind."""
    kinds = np.array(KINDS)
    return np.array(
        [
            [any((image == c + 1).any() for c in np.flatnonzero(kinds == kind)) for kind in (0, 1)]
            for image in planes
        ]
    )


def brute_force(upsampled: np.ndarray, limits: np.ndarray, planes: np.ndarray):
    """Counts by sets of pixels, one unit, image and concept at a time."""
    images, channels = upsampled.shape[:2]
    both = np.zeros((channels, CONCEPTS), np.int64)
    marked = np.zeros((channels, 2), np.int64)
    present = presence(planes)
    for image in range(images):
        for channel in range(channels):
            unit = {tuple(at) for at in np.argwhere(upsampled[image, channel] > limits[channel])}
            for concept in range(CONCEPTS):
                where = np.argwhere((planes[image] == concept + 1).any(axis=0))
                both[channel, concept] += len(unit & {tuple(at) for at in where})
            for kind in (0, 1):
                marked[channel, kind] += len(unit) * present[image, kind]
    return both, marked


def counted(layer, maps, planes, limits, *, channels_last=False) -> Overlap:
    overlap = Overlap(layer, (SIDE * 4, SIDE * 4), SIDE, limits, CONCEPTS, 2)
    values = torch.from_numpy(maps)
    if channels_last:
        values = values.contiguous(memory_format=torch.channels_last)
    if len(maps):
        overlap.update(values, planes, presence(planes))
    return overlap


shapes = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.integers(1, 19),
    st.integers(1, 15),
    st.integers(1, 15),
)


@settings(max_examples=40)
@given(shape=shapes, channels_last=st.booleans())
def test_counts_are_sets_of_pixels_under_torchs_interpolation(shape, channels_last):
    maps, planes = random_case(*shape)
    limits = np.full(maps.shape[1], LIMIT, np.float32)
    found = counted(layer_of(*maps.shape[1:]), maps, planes, limits, channels_last=channels_last)
    fine = interpolate(
        torch.from_numpy(maps).double(), (SIDE, SIDE), mode="bilinear", align_corners=False
    )
    both, marked = brute_force(fine.numpy(), limits, planes)
    np.testing.assert_array_equal(found.both[:, 1:], both)
    np.testing.assert_array_equal(found.marked, marked)
    np.testing.assert_array_equal(found.above, (maps > LIMIT).sum(axis=(0, 2, 3)))
    assert found.positions == maps.shape[0] * maps.shape[2] * maps.shape[3]


@settings(max_examples=25)
@given(
    shape=shapes,
    kernel=st.integers(1, 20),
    stride=st.integers(1, 8),
    padding=st.integers(0, 9),
)
def test_positions_lie_at_the_centres_of_what_they_see(shape, kernel, stride, padding):
    maps, planes = random_case(*shape)
    axis = ReceptiveField().after(kernel, stride, padding)
    limits = np.full(maps.shape[1], LIMIT, np.float32)
    found = counted(layer_of(*maps.shape[1:], Field(axis, axis)), maps, planes, limits)
    fine = np.zeros((*maps.shape[:2], SIDE, SIDE))
    pixels = (np.arange(SIDE) + 0.5) * 4
    for image, channel in np.ndindex(maps.shape[:2]):
        one = maps[image, channel].astype(np.float64)
        for at, places in ((0, maps.shape[2]), (1, maps.shape[3])):
            centres = axis.start + np.arange(places) * axis.stride + axis.size / 2
            one = np.apply_along_axis(lambda line, c=centres: np.interp(pixels, c, line), at, one)
        fine[image, channel] = one
    both, marked = brute_force(fine, limits, planes)
    np.testing.assert_array_equal(found.both[:, 1:], both)
    np.testing.assert_array_equal(found.marked, marked)


@settings(max_examples=40)
@given(shape=shapes, data=st.data())
def test_any_split_of_the_scenes_counts_the_same(shape, data):
    maps, planes = random_case(*shape)
    layer = layer_of(*maps.shape[1:])
    limits = np.linspace(0, 2.5, maps.shape[1]).astype(np.float32) + 0.1
    whole = counted(layer, maps, planes, limits)
    merged, areas = counted(layer, maps[:0], planes[:0], limits), Areas(CONCEPTS)
    order = data.draw(st.permutations(range(len(maps))))
    cut = data.draw(st.integers(0, len(maps)))
    for part in (order[cut:], order[:cut]):
        merged.merge(counted(layer, maps[part], planes[part], limits))
        if part:
            one = Areas(CONCEPTS)
            one.update(planes[part])
            areas.merge(one)
    for name in ("both", "marked", "above", "positions"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))
    expected = [(planes == concept + 1).sum() for concept in range(CONCEPTS)]
    np.testing.assert_array_equal(areas.pixels, expected)
    images = [(planes == c + 1).any(axis=(1, 2, 3)).sum() for c in range(CONCEPTS)]
    np.testing.assert_array_equal(areas.images, images)


def test_nan_is_never_above():
    maps, planes = random_case(0, 2, 3, 5, 5)
    maps[:] = np.nan
    found = counted(layer_of(3, 5, 5), maps, planes, np.full(3, LIMIT, np.float32))
    assert not found.both.any() and not found.marked.any() and not found.above.any()


@pytest.mark.parametrize("limit", [0.0, -0.0, -2.5])
def test_without_a_threshold_above_zero_nothing_is_counted(limit):
    maps, planes = random_case(0, 2, 3, 5, 5)
    found = counted(layer_of(3, 5, 5), maps, planes, np.full(3, limit, np.float32))
    assert not found.both.any() and not found.marked.any() and not found.above.any()


# Thresholds.


def counts_of(values: np.ndarray) -> np.ndarray:
    bins = table()[values.astype(np.float32).view(np.uint32) >> 19]
    return np.stack([np.bincount(row, minlength=BINS) for row in bins.reshape(len(values), -1)])


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    number=st.integers(1, 3000),
    share=st.sampled_from([SHARE, 0.02, 0.3]),
    kind=st.sampled_from(["normal", "relu", "few", "huge"]),
)
def test_thresholds_are_quantiles_within_the_stated_error(seed, number, share, kind):
    random = np.random.default_rng(seed)
    values = random.standard_normal((3, number)) * 3
    if kind == "relu":
        values = values.clip(0)
    elif kind == "few":
        values = random.integers(-2, 3, (3, number)) * 1.5
    elif kind == "huge":
        values = np.exp(values)
    values = values.astype(np.float32)
    found = threshold(counts_of(values), share)
    for own, row in zip(found, np.sort(values, axis=1), strict=True):
        exact = float(row[math.ceil(round((1 - share) * number, 6)) - 1])
        assert abs(own - exact) <= ERROR * abs(exact) + 2.0**-14, (own, exact)


def test_the_right_share_lies_above_where_activations_vary():
    values = np.random.default_rng(0).standard_normal((20, 200_000)).astype(np.float32) + 5
    found = threshold(counts_of(values))
    above = (values > found[:, None]).mean(axis=1)
    assert (np.abs(above - SHARE) < 0.1 * SHARE).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), data=st.data())
def test_sketches_of_any_split_merge_to_the_whole(seed, data):
    values = torch.randn((6, 3, 4, 4), generator=torch.Generator().manual_seed(seed))
    cut = data.draw(st.integers(0, 6))
    whole, merged = Sketch(3), Sketch(3)
    whole.update(values)
    for part in (values[cut:], values[:cut]):
        one = Sketch(3)
        if len(part):
            one.update(part)
        merged.merge(one)
    np.testing.assert_array_equal(merged.counts, whole.counts)
    np.testing.assert_array_equal(merged.finish(), whole.finish())


@pytest.mark.parametrize("power", [-60, -20, 0, 20, 60])
def test_activations_of_any_size_have_thresholds(power):
    values = torch.randn((4, 3, 20, 20), generator=torch.Generator().manual_seed(0)).abs()
    plain = Sketch(3)
    plain.update(values)
    scaled = values * 2.0**power
    sketch = Sketch(3, exponent_of(float(scaled.max())))
    sketch.update(scaled)
    np.testing.assert_allclose(sketch.finish(), plain.finish() * 2.0**power, rtol=1e-6)
    if sketch.exponent:
        with pytest.raises(ValueError, match="differ"):
            sketch.merge(plain)


def test_a_unit_that_is_dead_or_never_varies_has_no_threshold():
    varied = np.random.default_rng(0).exponential(size=1000)
    rare = np.arange(1000) > 998
    values = np.stack([np.zeros(1000), np.full(1000, 1.06), varied, rare])
    limits = threshold(counts_of(values.astype(np.float32))).astype(np.float32)
    share = (values > limits[:, None]).mean(axis=1)
    assert has_threshold(limits, share).tolist() == [False, False, True, False]
    assert not has_threshold(np.array([1.0], np.float32), np.array([1.0]))


# Detectors.


def half(both, marked, pixels, images=(9, 9, 9, 9, 9)) -> HalfCounts:
    return HalfCounts(*(np.array(each, np.int64) for each in (both, marked, pixels, images)))


def test_the_concept_is_chosen_on_one_half_and_measured_on_the_other():
    # Unit 0 is good at concept 0 by choice and by measure, unit 1 by choice alone.
    choose = half([[50, 1, 0, 0, 0], [0, 0, 60, 5, 0]], [[100, 0], [0, 100]], [100] * 5)
    measure = half([[40, 9, 0, 0, 0], [0, 0, 2, 90, 0]], [[100, 0], [0, 100]], [100] * 5)
    every, live = np.ones(5, bool), np.ones(2, bool)
    found = detect(choose, measure, KINDS, every, live, 0.04)
    assert found.concept[:, 0].tolist() == [0, 2] and found.detects.tolist() == [0, -1]
    assert found.chosen[0, 0] == pytest.approx(50 / 150)
    assert found.measured[0, 0] == pytest.approx(40 / 160)
    assert found.measured[1, :2] == pytest.approx([2 / 198, 90 / 110])
    assert found.concept[0].tolist() == [0, 1, -1, -1, -1]
    nobody = detect(choose, measure, KINDS, every, np.zeros(2, bool), 0.04)
    assert (nobody.detects == -1).all() and (nobody.concept == -1).all()
    others = detect(choose, measure, KINDS, np.array([0, 1, 0, 1, 1], bool), live, 0.04)
    assert others.detects.tolist() == [1, 3]


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_iou_is_between_nothing_and_all(seed):
    maps, planes = random_case(seed, 3, 4, 5, 5)
    layer = layer_of(4, 5, 5)
    overlap = counted(layer, maps, planes, np.full(4, LIMIT, np.float32))
    areas = Areas(CONCEPTS)
    areas.update(planes)
    own = HalfCounts(overlap.both[:, 1:], overlap.marked, areas.pixels, areas.images)
    iou = own.iou(KINDS)
    assert (iou >= 0).all() and (iou <= 1).all()
    few = eligible(own, replace(own, images=np.array([0, 1, 2, 3, 4])), 2)
    assert (few <= np.array([False, False, True, True, True])).all()
    found = detect(own, own, KINDS, np.ones(5, bool), np.ones(4, bool), 0.04)
    assert found.concept.shape == (4, RANKED)
    np.testing.assert_array_equal(found.detects >= 0, iou.max(axis=1) > 0.04)


# Colours.


@pytest.mark.parametrize(
    ("hex", "word"),
    [
        *(("000000", "black"), ("808080", "grey"), ("ffffff", "white"), ("ff0000", "red")),
        *(("b22222", "red"), ("ffa500", "orange"), ("ff8c00", "orange"), ("8b4513", "brown")),
        *(("d2b48c", "brown"), ("ffff00", "yellow"), ("ffd700", "yellow"), ("008000", "green")),
        *(("9acd32", "green"), ("808000", "green"), ("0000ff", "blue"), ("87ceeb", "blue")),
        *(("000080", "blue"), ("800080", "purple"), ("ee82ee", "purple"), ("4b0082", "purple")),
        *(("ffc0cb", "pink"), ("ff1493", "pink"), ("fa8072", "pink"), ("c0c0c0", "grey")),
    ],
)
def test_colours_have_the_words_that_people_use(hex, word):
    pixel = np.frombuffer(bytes.fromhex(hex), np.uint8)
    assert COLOURS[colours_of(pixel)] == word


def test_oklch_is_ottossons():
    # Values of his article's table, by way of XYZ; white has lightness 1 and no chroma.
    light, chroma, hue = oklch(np.array([1.0, 0.0, 0.0]))
    assert (light, chroma, hue) == pytest.approx((0.6280, 0.2577, 29.23), abs=0.01)
    assert oklch(np.ones(3))[:2] == pytest.approx([1, 0], abs=1e-3)


def test_pictures_show_what_a_unit_marks():
    from lamella.analyses.dissection.examples import border, stretched

    mask = np.zeros((6, 6), bool)
    mask[1:5, 1:5] = True
    assert border(mask).sum() == 12 and not (border(mask) & ~mask).any()
    assert border(np.ones((4, 4), bool)).sum() == 12  # the picture's own edge counts
    large = stretched(mask, 12)
    assert large.shape == (12, 12) and large.sum() == 64
