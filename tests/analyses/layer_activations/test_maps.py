"""A layer's picture and its strongest units, from its maps."""

import io

import numpy as np
from PIL import Image

from lamella.analyses.layer_activations.colours import STEPS, palette
from lamella.analyses.layer_activations.maps import layer_maps, strongest
from lamella.network.units import Layer
from lamella.store.gathering import PanelFacts


def test_equal_peaks_are_ordered_by_how_full_the_map_is() -> None:
    maps = np.zeros((4, 2, 2), np.float32)
    maps[0, 0, 0] = maps[1, :, 0] = maps[2, 0, 0] = 2
    best, ratio = strongest(maps, np.array([2.0, 2.0, 2.0, 0.0]))
    assert best.tolist() == [1, 0, 2] and ratio.tolist() == [1, 1, 1, 0]


def test_large_maps_are_reduced_to_the_side_that_is_set() -> None:
    layer = Layer("a", "convolution", 3, 60, 60, None, activation="relu")
    ones = {name: np.ones(3, np.float32) for name in ("p999", "maximum", "mean", "deviation")}
    survey = PanelFacts(np.ones(3, np.bool_), ones, {}, {}, {})
    maps = np.zeros((3, 60, 60), np.float32)
    maps[1, 59, 0] = 1
    made = layer_maps(layer, maps, survey, (60, 60), 30)
    picture = np.asarray(Image.open(io.BytesIO(made.maps)).convert("RGBA"))
    assert made.layout.reduced == 2 and picture.shape[:2] == (31, 93)
    assert picture[29, 31].tolist() == [*palette(False)[STEPS], 255]
    assert made.answering == 1 and made.strongest.tolist()[:2] == [1, -1]
