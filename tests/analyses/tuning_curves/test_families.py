"""Stimuli are what they say they are, and responses to them are read where padding cannot reach."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lamella.analyses.tuning_curves.arcs import KINDS, curve, radii
from lamella.analyses.tuning_curves.colours import HUES, colour
from lamella.analyses.tuning_curves.discs import KINDS as INKS
from lamella.analyses.tuning_curves.discs import disc
from lamella.analyses.tuning_curves.families import families
from lamella.analyses.tuning_curves.family import STRAIGHT, spaced
from lamella.analyses.tuning_curves.gratings import grating
from lamella.analyses.tuning_curves.positions import clear, middle, window
from lamella.analyses.tuning_curves.preferences import selectivity
from lamella.network.units import Layer
from lamella.places.field import Field, ReceptiveField

SIZES = [(8, 8), (16, 16), (33, 47), (64, 64)]


@pytest.mark.parametrize("size", SIZES)
def test_stimuli_are_pictures_of_the_networks_size(size):
    for name, family in families(size).items():
        assert family.name == name
        assert family.count == math.prod(family.shape) * family.pool
        pooled = [axis.pooled for axis in family.axes]
        assert pooled == sorted(pooled), "what is pooled comes last"
        images = list(family.images())
        assert len(images) == family.count
        for image in images:
            assert image.shape == (3, *size) and image.dtype == np.float32
            assert image.min() >= 0 and image.max() <= 1
        again = family.image(*(len(axis.values) - 1 for axis in family.axes))
        assert images[-1].tobytes() == again.tobytes()
        for axis in family.kept:
            assert len(axis.marks()) == len(axis.values) == len({*axis.marks()})
            assert all(axis.said(at) for at in range(len(axis.values)))


def test_no_two_stimuli_are_the_same():
    """But for straight bright and dark lines, which half a turn does not change."""
    for family in families((48, 48)).values():
        images = [image.tobytes() for image in family.images()]
        if family.name == "curves":
            straight = len(family.axes[2].values) * 2
            assert len(set(images)) >= len(images) - straight
        else:
            assert len(set(images)) == len(images)


@given(st.integers(2, 16), st.integers(-15, 16), st.sampled_from([0.0, 90.0, 180.0, 270.0]))
def test_a_grating_has_the_period_and_the_angle_that_it_says(right, up, phase):
    """A whole number of waves along both axes is one line of the spectrum."""
    side = 64
    frequency = math.hypot(right, up) / side
    assume(frequency < 0.45)
    # Waves run across the stripes: a quarter of a turn further.
    orientation = math.degrees(math.atan2(up, right)) - 90
    image = grating(1 / frequency, orientation, phase, (side, side))
    assert (image[0] == image[1]).all() and (image[0] == image[2]).all()
    spectrum = np.abs(np.fft.fft2(image[0] - 0.5))
    row, column = np.unravel_index(spectrum[:, : side // 2].argmax(), (side, side // 2))
    assert (row, column) == (-up % side, right)  # rows run down
    assert spectrum[row, column] == pytest.approx(side**2 / 4, rel=1e-3)  # black to white


@given(st.floats(1.5, 27), st.integers(0, len(INKS) - 1))
def test_a_disc_has_the_area_of_its_radius(radius, kind):
    image = disc(kind, radius, (60, 60)).astype(np.float64) - 0.5
    ink = image.sum(axis=(1, 2))
    corner = image[:, 29, 29]  # wholly covered
    area = math.pi * (radius**2 + 1 / 12)  # a ramp of one pixel adds a twelfth
    assert np.allclose(ink, corner * area, rtol=0.03)
    assert (image[:, 0] == 0).all()


@given(st.floats(0, 360))
def test_hues_differ_in_nothing_but_hue(hue):
    red, green, blue = colour(hue)
    assert red + green + blue == pytest.approx(1.5)
    assert max(red, green, blue) <= 1 and min(red, green, blue) >= 0
    assert colour(hue + 360) == pytest.approx((red, green, blue))
    assert colour(hue + 120) == pytest.approx((blue, red, green))


def test_hues_are_those_that_people_call_so():
    assert len(HUES) == 12
    for hue, channel in ((0, 0), (120, 1), (240, 2)):
        assert colour(hue)[channel] == max(colour(hue)) == 1


@pytest.mark.parametrize("kind", range(len(KINDS)))
@pytest.mark.parametrize("radius", [7.0, STRAIGHT])
def test_a_turned_curve_is_the_picture_turned(kind, radius):
    for orientation in (0.0, 22.5, 67.5):
        one = curve(kind, radius, orientation, (64, 64))
        other = curve(kind, radius, orientation + 90, (64, 64))
        np.testing.assert_allclose(np.rot90(one, axes=(1, 2)), other, atol=1e-5)


@given(st.floats(5, 16), st.floats(0, 360))
def test_a_curve_lies_on_its_circle(radius, orientation):
    """Wherever it has ink, the middle of the circle is a radius away, to half a width."""
    image = curve(0, radius, orientation, (64, 64))[0]
    rows, columns = np.nonzero(image > 0.55)
    turned = math.radians(orientation)
    right, up = columns - 31.5 + radius * math.cos(turned), 31.5 - rows + radius * math.sin(turned)
    assert np.abs(np.hypot(right, up) - radius).max() < 1.5 / 2 + 1
    around = (np.degrees(np.arctan2(up, right)) - orientation + 180) % 360 - 180
    assert np.abs(around).max() < 60 + math.degrees(2 / radius)
    assert image[31:33, 31:33].max() > 0.7  # its middle is that of the image


def test_an_edge_is_bright_where_it_says():
    """On the inside, which is away from where it bulges; and it is grey everywhere else."""
    image = curve(2, 16.0, 90.0, (64, 64))[0]
    assert image[33, 31] > 0.8 and image[30, 31] < 0.2
    np.testing.assert_allclose(image + curve(3, 16.0, 90.0, (64, 64))[0], 1, atol=1e-6)
    steps = np.abs(np.diff(image, axis=0))
    assert (steps > 0.3).any(axis=1).sum() <= 12  # sharp along the arc only: it falls off 8 px


def test_radii_end_in_a_straight_line():
    for size in SIZES:
        found = radii(size)
        assert found[-1] == STRAIGHT and list(found) == sorted(found) and len(found) >= 3


@given(st.floats(1, 10), st.floats(10, 500), st.floats(1.2, 3))
def test_spaced_is_even_on_a_log_scale(low, high, ratio):
    found = spaced(low, high, ratio)
    steps = np.diff(np.log(found))
    assert len(found) >= 2 and found[0] == low
    assert np.allclose(steps, steps[0]) and found[-1] == pytest.approx(max(high, low * ratio))


# Where responses are read


@given(
    st.lists(st.tuples(st.integers(1, 7), st.integers(1, 2), st.integers(0, 3)), max_size=4),
    st.integers(8, 64),
)
def test_responses_are_read_where_no_padding_is_seen(stack, extent):
    field, positions = ReceptiveField(), extent
    for kernel, stride, padding in stack:
        field = field.after(kernel, stride, padding)
        positions = (positions + 2 * padding - kernel) // stride + 1
        assume(positions >= 1)
    found = range(positions)[clear(field, positions, extent)]
    assert len(found) >= 1

    def seen(position):
        first = field.start + position * field.stride
        return first, first + field.size

    def away(position):
        return abs(sum(seen(position)) / 2 - extent / 2)

    whole = [p for p in range(positions) if seen(p)[0] >= 0 and seen(p)[1] <= extent]
    expected = [p for p in whole if away(p) <= extent / 4]
    nearest = min(map(away, range(positions)))
    closest = [p for p in range(positions) if away(p) == nearest]
    assert list(found) == (expected or closest)
    assert list(range(positions)[middle(field, positions, extent)]) == closest


def test_without_a_known_field_all_positions_are_read():
    layer = Layer("blocks.0", "linear", 4, 17, 1, None)
    assert window(layer, (32, 32), centred=True) == (slice(None), slice(None))


def test_rows_and_columns_are_told_apart():
    field = Field(ReceptiveField(3, 1, -1), ReceptiveField(30, 2, -14))
    layer = Layer("conv", "convolution", 4, 64, 24, field)
    rows, columns = window(layer, (64, 48), centred=False)
    assert (rows.start, rows.stop) == (16, 48) and (columns.start, columns.stop) == (7, 17)


# Selectivity


ANGLES = np.arange(12) * 15.0
RESPONSES = st.lists(st.floats(0, 100), min_size=12, max_size=12)


@given(RESPONSES, st.integers(0, 11), st.floats(0.1, 10))
def test_selectivity_is_one_minus_circular_variance(values, turn, factor):
    """By the definition of Ringach et al. 2002, and whichever way the unit is turned."""
    assume(sum(values) > 1e-3)
    cosine = sum(v * math.cos(2 * math.radians(a)) for v, a in zip(values, ANGLES, strict=True))
    sine = sum(v * math.sin(2 * math.radians(a)) for v, a in zip(values, ANGLES, strict=True))
    expected = math.hypot(cosine, sine) / sum(values)
    rises = np.array([values, np.roll(values, turn), np.multiply(values, factor)])
    np.testing.assert_allclose(selectivity(rises, ANGLES, 2), expected, atol=1e-9)


def test_one_angle_is_all_and_all_angles_are_none():
    rises = np.zeros((4, 12))
    rises[0, 3] = 5
    rises[1] = 5
    rises[2] = -5  # below grey nothing counts
    rises[3, [0, 6]] = 5  # opposite angles of a full circle
    assert selectivity(rises, ANGLES, 2).tolist() == pytest.approx([1, 0, 0, 0], abs=1e-12)
    assert selectivity(rises, ANGLES * 2, 1)[3] == pytest.approx(0, abs=1e-12)
