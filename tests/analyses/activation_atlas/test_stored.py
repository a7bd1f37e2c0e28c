"""The layout of an atlas, its entries, and what is measured of its pictures."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.analyses.activation_atlas.class_names import strongest_classes
from lamella.analyses.activation_atlas.grid import levels
from lamella.analyses.activation_atlas.likeness import likeness
from lamella.analyses.activation_atlas.spaces import Space
from lamella.analyses.activation_atlas.stored import (
    Layout,
    Numbering,
)
from lamella.network.units import Layer


def layout() -> Layout:
    random = np.random.default_rng(0)
    points, vectors = random.random((90, 2)).astype(np.float32), random.random((90, 4))
    vectors = vectors.astype(np.float32)
    grids = tuple(levels(points, vectors, (2, 4), 3))
    classes, gains = strongest_classes(vectors[: sum(len(grid.count) for grid in grids)], 0 + sum(
        len(grid.count) for grid in grids))  # fmt: skip
    return Layout(grids, vectors.mean(axis=0), vectors.std(axis=0), classes, gains)


def test_a_layout_survives_the_store() -> None:
    one = layout()
    again = Layout.of(one.arrays())
    assert len(again.levels) == 2 and again.places == one.places
    assert (again.means == one.means).all() and (again.classes == one.classes).all()
    space = Space((Layer("a", "convolution", 4, 4, 4, None),))
    assert again.cell_records(space) == one.cell_records(space)
    assert Layout.of(replace(one, levels=()).arrays()).levels == ()


def test_pictures_that_hit_their_cell_are_nearest_to_it() -> None:
    one = layout()
    perfect = likeness(3 * one.means, one)
    assert all(level == {"cosine": pytest.approx(1), "own": 1.0} for level in perfect)
    swapped = likeness(one.means[::-1], one)
    assert swapped[1]["own"] < 0.5 and swapped[1]["cosine"] < 1
    assert likeness(0 * one.means, one)[0]["cosine"] == 0


@given(st.integers(0, 3), st.integers(1, 9), st.integers(1, 3), st.integers(16, 200))
def test_entries_never_meet(place: int, grid: int, depth: int, size: int) -> None:
    sides = tuple(grid << at for at in range(depth))
    own, following = (Numbering(at, sides, size) for at in (place, place + 1))
    cells_ = sum(side * side for side in sides)
    taken = [*own.wanted(depth, cells_), own.layout]
    assert len(taken) == len(set(taken)) and max(taken) < following.first
    assert own.wanted(0, 0) == []
