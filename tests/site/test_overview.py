"""What stands for a whole network: units to start with, the map as a picture."""

import io

import numpy as np
import pytest
from PIL import Image

from helpers.fake_atlas import Fake
from lamella.network.units import Unit
from lamella.site.overview import MAP, START, hues, map_picture, telling
from lamella.site.publish import Note
from lamella.store.facts import Atlas

FOUR = Fake(layers=(("a", 4), ("b", 4), ("c", 4), ("d", 4)), side=32, photographs=4)


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return FOUR.write(tmp_path_factory.mktemp("work"))


def notes(**best: list[int]) -> dict[str, Note]:
    words = ["", "", "dog", "cat"]
    return {name: {"best": best.get(name, []), "labels": words} for name in "abcd"}


def test_units_to_start_with_are_spread_over_the_depth(atlas: Atlas) -> None:
    found = telling(atlas, notes(a=[0], b=[1], c=[0], d=[1]))
    assert [unit.layer for unit in found] == ["a", "b", "c", "d"]  # none twice


def test_of_a_layer_the_best_unit_that_has_a_word_comes_first(atlas: Atlas) -> None:
    found = telling(atlas, notes(c=[1, 3, 0, 2]))
    assert found == tuple(Unit("c", channel) for channel in (3, 2, 1, 0))
    assert len(telling(atlas, notes(b=[0, 1, 2], d=[0, 1, 2]))) == START


def test_without_feature_visualizations_there_is_none_to_start_with(atlas: Atlas) -> None:
    assert telling(atlas, notes()) == ()


def test_the_map_is_a_picture_with_a_dot_for_each_placed_unit(atlas: Atlas) -> None:
    points = np.zeros((16, 2), np.uint16)
    points[5] = 1, 65535  # of layer b, at the left, on top; the others have no place
    drawn = map_picture(atlas, points)
    assert drawn == map_picture(atlas, points)
    seen = np.asarray(Image.open(io.BytesIO(drawn)).convert("RGBA"))
    assert seen.shape == (MAP[1], MAP[0], 4)
    rows, columns = np.nonzero(seen[..., 3] > 128)
    assert len(rows) > 0 and rows.max() < 20 and columns.max() < 20
    colour = [int(hues(atlas)["b"][at : at + 2], 16) for at in (1, 3, 5)]
    inside = seen[rows, columns, :3][seen[rows, columns, 3] > 250]
    assert np.abs(inside.mean(axis=0) - colour).max() < 8
