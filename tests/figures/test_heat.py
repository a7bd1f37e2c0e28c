"""Heat maps: their colours, their lines, and the numbers behind them."""

import base64
import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from lamella.figures import Gallery, Legend, Picture, Reading, Tile, heat
from lamella.site.templating import environment
from lamella.site.tiles import MOST

GRIDS = arrays(
    np.float32,
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    elements=st.floats(-100, 100, width=32),
)


def lightness(colours: np.ndarray) -> np.ndarray:
    """L* of sRGB bytes (CIE 1976)."""
    shares = colours / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    return np.where(luminance > 0.008856, 116 * np.cbrt(luminance) - 16, 903.3 * luminance)


# Colours.


def test_it_is_cividis() -> None:
    from matplotlib import colormaps

    wanted = 255 * np.array(colormaps["cividis"].colors)  # type: ignore[attr-defined]
    assert np.abs(heat.palette(256) - wanted).max() < 2.5


def test_it_grows_lighter_evenly_all_the_way() -> None:
    steps = np.diff(lightness(heat.palette()))
    assert (steps > 0).all() and steps.max() < 2 * steps.mean()


def test_zero_of_a_signed_map_is_the_middle() -> None:
    colours = heat.palette()
    values = np.array([-9, -2, -1, 0, 1, 2, 9], np.float32)
    found = heat.coloured(values, 2, signed=True)
    at = (0, 0, 8, 16, 24, 32, 32)
    assert (found == colours[list(at)]).all()
    assert (heat.coloured(values, 2, signed=False) == colours[[0, 0, 0, 0, 16, 32, 32]]).all()
    assert np.ptp(colours[16].astype(int)) < 12  # grey


@pytest.mark.parametrize("signed", [False, True])
def test_where_nothing_has_colour_everything_counts_as_zero(signed: bool) -> None:
    found = heat.coloured(np.zeros((3, 3), np.float32), 0.0, signed)
    assert (found == heat.palette()[16 * signed]).all()


def test_no_number_is_no_colour_of_the_scale() -> None:
    found = heat.coloured(np.array([np.nan, np.inf, 1], np.float32), 1, signed=False)
    assert not found[:2].any() and found[2].any()


@given(GRIDS, st.floats(0.125, 50), st.booleans())
def test_equal_numbers_have_equal_colours_and_larger_ones_are_no_darker(
    values: np.ndarray, full: float, signed: bool
) -> None:
    light = lightness(heat.coloured(values, full, signed)).ravel()
    order = np.argsort(values.ravel(), kind="stable")
    assert (np.diff(light[order]) >= 0).all()


# Pictures.


def inside(picture: Image.Image) -> np.ndarray:
    """Where a picture has neither a black nor a white pixel: no line."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return np.asarray((np.ptp(pixels, axis=-1) > 0) | (np.abs(pixels[..., 0] - 127.5) < 127))


def test_a_coarse_map_has_a_line_at_half() -> None:
    ramp = np.linspace(0, 1, 8, dtype=np.float32)[None].repeat(8, 0)
    drawn = heat.picture(ramp, 1.0, False, 64)
    assert drawn.size == (64, 64)
    fine = heat.smooth(ramp, (64, 64))
    line = ~inside(drawn)
    columns = np.flatnonzero(line.any(axis=0))
    assert line[:, columns].all()  # a straight one, from top to bottom
    assert columns.tolist() == [columns[0], columns[0] + 1]
    dark, light = np.asarray(drawn)[0, columns]
    assert not dark.any() and (light == 255).all()
    assert fine[0, columns[0]] < 0.5 <= fine[0, columns[1]]
    assert inside(heat.picture(ramp, 1.0, False, 64, contour=False)).all()


def test_minus_half_is_dashed() -> None:
    ramp = np.linspace(-1, 1, 8, dtype=np.float32)[None].repeat(8, 0)
    line = ~inside(heat.picture(ramp, 1.0, True, 64))
    for columns, least, most in ((slice(32), 0.4, 0.6), (slice(32, 64), 1, 1)):
        drawn = line[:, columns]
        shares = drawn[:, drawn.any(axis=0)].mean(axis=0)
        assert len(shares) == 2 and least <= shares.min() and shares.max() <= most


def test_a_fine_map_is_exact_and_has_no_line() -> None:
    random = np.random.default_rng(0)
    values = random.random((64, 64), np.float32)
    drawn = np.asarray(heat.picture(values, 1.0, False, 64))
    assert (drawn == heat.coloured(values, 1.0, False)).all()
    half = np.asarray(heat.picture(values, 1.0, False, 32))
    blocks = values.reshape(32, 2, 32, 2).max(axis=(1, 3))
    assert (half == heat.coloured(blocks, 1.0, False)).all()


def test_a_contour_alone_is_the_line_of_the_picture() -> None:
    values = np.random.default_rng(1).random((7, 7), np.float32)
    line = np.asarray(heat.contour(values, 1.0, 50))
    assert line.shape == (50, 50, 4)
    assert ((line[..., 3] > 0) == ~inside(heat.picture(values, 1.0, False, 50))).all()
    assert set(np.unique(line[line[..., 3] > 0][:, 0])) == {0, 255}
    assert not np.asarray(heat.contour(0 * values, 0.0, 50)).any()


# Coarser grids.


@given(GRIDS, st.integers(1, 60))
def test_reducing_keeps_the_largest_and_the_mean(values: np.ndarray, side: int) -> None:
    largest, mean = heat.reduced(values, side), heat.reduced(values, side, signed=True)
    assert max(largest.shape) <= max(side, 1) and largest.shape == mean.shape
    assert largest.max() == values.max()
    if not any(before % after for before, after in zip(values.shape, mean.shape, strict=True)):
        assert mean.mean() == pytest.approx(values.mean(dtype=float), abs=1e-3)
    assert mean.min() >= values.min() - 1e-4 and mean.max() <= values.max() + 1e-4


def test_small_maps_stay_as_they_are() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert (heat.reduced(values, 4) == values).all()
    assert (heat.reduced(values, (3, 2)) == [[1, 3], [5, 7], [9, 11]]).all()
    assert (heat.reduced(values, (1, 4), signed=True) == values.mean(0)).all()


# Readings.


def numbers(reading: Reading) -> np.ndarray:
    """What a reading says, NaN where it says nothing: as assets/src/heat_map_readout.js does it."""
    levels = np.frombuffer(base64.b64decode(reading.data), np.uint8).astype(float)
    values = reading.low + (reading.high - reading.low) * levels / heat.STEPS
    return np.where(levels == heat.MISSING, np.nan, values).reshape(reading.rows, reading.columns)


@given(GRIDS)
def test_what_is_read_is_what_was_there(values: np.ndarray) -> None:
    found = numbers(heat.reading(values, finest=70))
    step = (values.max() - values.min()) / heat.STEPS
    assert found.shape == values.shape
    assert np.abs(found - values).max() <= step / 2 + 1e-4


def test_readings_are_coarse_and_know_what_is_missing() -> None:
    values = np.random.default_rng(0).random((224, 224), np.float32)
    found = heat.reading(values, "{} of score")
    assert (found.rows, found.columns, found.words) == (56, 56, "{} of score")
    wanted = values.reshape(56, 4, 56, 4).max(axis=(1, 3))
    assert np.abs(numbers(found) - wanted).max() < 0.003
    gap = np.array([[1, np.nan], [3, 2]], np.float32)
    assert np.isnan(numbers(heat.reading(gap))[0, 1])
    assert numbers(heat.reading(np.full((2, 2), np.nan, np.float32))).shape == (2, 2)


# On pages.

READING = Reading(1, 2, "AP4=", -0.5, 2.25, '{} of <b>"that"</b>')
PICTURES = {
    "whole": Picture("a/b.webp", "A map", 60, 60, reading=READING),
    "over": Picture(
        "a/b.webp", "A map", 60, 60, over=Picture("a/o.webp", "", 9, 9, 3, 4, 2), reading=READING
    ),
    "cell": Picture("a/b.webp", "A map", 60, 60, 4, 3, 2, reading=READING),
    "crop": Picture("a/b.webp", "A map", 60, 60, 4, MOST + 1, 2, reading=READING),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_reading_is_around_any_picture(kind: str) -> None:
    text = str(environment().filters["picture"](PICTURES[kind], "../"))
    assert text.startswith('<span class="read"') and text.endswith("</span>")
    for name, value in {"rows": 1, "columns": 2, "read": "AP4=", "low": -0.5, "high": 2.25}.items():
        assert f'data-{name}="{value}"' in text
    assert 'data-words="{} of &lt;b&gt;&#34;that&#34;&lt;/b&gt;"' in text
    assert "style=" not in text and "\ue000" not in text
    plain = Picture("a/b.webp", "A map", 60, 60)
    assert "read" not in str(environment().filters["picture"](plain, "../"))


def test_a_tile_has_the_readings_of_both_its_pictures() -> None:
    other = Reading(2, 1, "/wA=", 0, 1, "other")
    beside = Picture("a/c.webp", "Another", 60, 60, reading=other)
    gallery = Gallery("", (Tile(PICTURES["whole"], "one", "two", beside=beside),), size="maps")
    text = str(environment().filters["tiles"](gallery, "../"))
    assert text.count('class="read"') == 2
    assert text.index("AP4=") < text.index("/wA=") and 'data-words="other"' in text


def legend(figure: Legend) -> str:
    return str(environment().get_template("figures/legend.html.j2").module.legend(figure))  # type: ignore[attr-defined]


def test_the_legend_has_the_colours_of_the_maps() -> None:
    text = legend(Legend("Scale", mixed=True, note="Mind <this>"))
    assert text.count("<svg") == 2 and "style=" not in text and "Mind &lt;this&gt;" in text
    found = [tuple(bytes.fromhex(code)) for code in re.findall(r'fill="#(\w{6})"', text)]
    assert found == [tuple(colour) for colour in heat.palette().tolist()] * 2
    assert "dashed" in text and "checkbox" in text
    assert "dashed" not in legend(Legend(contour=False))
    single = legend(Legend(signed=False))
    assert single.count("<svg") == 1 and "checkbox" not in single


def test_a_coarse_map_is_a_small_file() -> None:
    from lamella.figures.encoding import packed

    values = np.random.default_rng(0).random((14, 14), np.float32)
    content = packed(heat.picture(values, 1.0, False, 168))
    assert len(content) < 12_000
    back = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert (back == np.asarray(heat.picture(values, 1.0, False, 168))).all()


def test_white_is_zero_and_signs_are_mirrored():
    colours = heat.diverging(np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), limit=1.0)
    assert colours[2].tolist() == [247, 247, 247]
    assert colours[0].tolist() == colours[1].tolist() and colours[1][2] > colours[1][0]
    assert colours[3].tolist() == colours[4].tolist() and colours[3][0] > colours[3][2]
