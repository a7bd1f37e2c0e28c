"""Pyramids of tiles: what is cut fits together again, and halves are means."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lamella.figures import Level
from lamella.figures.zoom import halved, tiles

sizes = st.tuples(st.integers(1, 90), st.integers(1, 90))


def noise(size: tuple[int, int], channels: int = 3) -> Image.Image:
    random = np.random.default_rng([*size, channels])
    return Image.fromarray(random.integers(0, 256, (size[1], size[0], channels), dtype=np.uint8))


@given(sizes, st.integers(4, 40), st.integers(0, 5))
def test_tiles_reassemble_to_each_level(size: tuple[int, int], tile: int, first: int) -> None:
    pyramid = halved(noise(size), tile)
    levels, parts = tiles(pyramid, tile, first)
    assert max(pyramid[0].size) <= tile and pyramid[-1].size == size
    stops = [level.first for level in levels[1:]] + [first + len(parts)]
    assert levels[0].first == first
    for level, picture, stop in zip(levels, pyramid, stops, strict=True):
        assert (level.width, level.height) == picture.size
        across = math.ceil(level.width / tile)
        assert stop - level.first == across * math.ceil(level.height / tile)
        whole = Image.new("RGB", picture.size)
        for at in range(level.first, stop):
            row, column = divmod(at - level.first, across)
            whole.paste(parts[at - first], (column * tile, row * tile))
        assert whole.tobytes() == picture.tobytes()


@given(sizes)
def test_a_viewer_expects_these_sizes(size: tuple[int, int]) -> None:
    """OpenSeadragon and Deep Zoom: ceil(side / 2^k), whatever was rounded on the way."""
    pyramid = halved(noise(size), 4)
    for up, level in enumerate(reversed(pyramid)):
        assert level.size == tuple(math.ceil(side / 2**up) for side in size)


def test_halves_are_means_of_two_by_two() -> None:
    whole = noise((12, 8))
    small, large = halved(whole, 8)
    assert large is whole
    pixels = np.asarray(whole, np.float64).reshape(4, 2, 6, 2, 3).mean(axis=(1, 3))
    assert np.abs(np.asarray(small) - pixels).max() <= 1


def test_what_is_transparent_lends_no_colour() -> None:
    whole = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    whole.putpixel((1, 0), (0, 255, 0, 0))
    red, green, _, alpha = halved(whole, 1)[0].getpixel((0, 0))  # type: ignore[misc]
    assert (red, green) == (255, 0) and alpha in (127, 128)


def test_levels_may_show_different_things_but_must_double() -> None:
    levels, parts = tiles([noise((3, 3)), noise((6, 5))], 4, 7)
    assert levels == (Level(3, 3, 7), Level(6, 5, 8))
    assert [part.size for part in parts] == [(3, 3), (4, 4), (2, 4), (4, 1), (2, 1)]
    with pytest.raises(ValueError, match="not half"):
        tiles([noise((3, 3)), noise((7, 5))])
