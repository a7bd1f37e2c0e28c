"""Which photographs stand for a unit, from the strongest to the weakest."""

import numpy as np
import pytest

from lamella.analyses.activation_spectrum.stored import (
    NEGATIVE,
    WEAKEST,
    bands,
    examples,
    images_of,
    scale_of,
)
from lamella.analyses.activation_spectrum.view import TITLES
from lamella.network.units import Layer
from lamella.store.gathering import PanelFacts
from lamella.survey.bins import BANDS, PER_BAND


def layer(activation: str | None = "relu") -> Layer:
    return Layer("a", "convolution", 1, 4, 4, None, activation=activation)


def surveyed(peaks: list[float], lowest: list[float] | None = None) -> PanelFacts:
    """What the survey says of one unit: images by number, bands cut by hand."""
    values = np.array(peaks, np.float32)
    order = np.argsort(-values, kind="stable")
    numbers: dict[str, np.ndarray] = {"maximum": np.array([values.max()])}

    def listed(name: str, images: np.ndarray, found: np.ndarray, kept: int) -> None:
        for what, column in (("image", images), ("activation", found)):
            row = np.full(kept, -1 if what == "image" else 0, np.float32)
            row[: len(column)] = column[:kept]
            numbers[f"{name}_{what}"] = row[None].astype(int if what == "image" else np.float32)
        numbers[f"{name}_row"] = numbers[f"{name}_column"] = np.zeros((1, kept), np.int16)

    listed("top", order, values[order], 24)
    listed("bottom", np.argsort(values, kind="stable"), np.sort(values), 12)
    if lowest is not None:
        least = np.array(lowest, np.float32)
        listed("lowest", np.argsort(least, kind="stable"), np.sort(least), 12)
    shape = (1, len(BANDS), PER_BAND)
    numbers["spectrum_image"] = np.full(shape, -1)
    for what in ("activation", "rank", "row", "column"):
        numbers[f"spectrum_{what}"] = np.zeros(shape, np.float32)
    for band, share in enumerate((0.95, 0.8, 0.6)):
        at = int(share * len(peaks))
        numbers["spectrum_image"][0, band, 0] = np.argsort(values, kind="stable")[at]
        numbers["spectrum_activation"][0, band, 0] = np.sort(values)[at]
        numbers["spectrum_rank"][0, band, 0] = at / len(peaks)
    return PanelFacts(np.ones(1, bool), numbers, {}, {}, {})


def test_from_the_strongest_to_the_weakest_each_photograph_once():
    peaks = np.random.default_rng(0).permutation(100).astype(float) + 1
    found = examples(surveyed(peaks.tolist()), layer(), 0, 100)
    assert len(found) == WEAKEST + 1 and [len(shown) for shown in found] == [4, 1, 1, 1, 4]
    everything = [example for shown in found[:WEAKEST] for example in shown]
    assert [example.activation for example in everything] == [100, 99, 98, 97, 96, 81, 61]
    for example in (*everything, *found[WEAKEST]):
        assert example.activation == peaks[example.image]
        assert example.share == pytest.approx((peaks < example.activation).mean())
    assert [example.activation for example in found[WEAKEST]] == [1, 2, 3, 4]


def test_of_few_photographs_none_is_both_strong_and_weak():
    for number in (1, 3, 5):
        found = examples(surveyed(list(range(1, number + 1))), layer(), 0, number)
        images = [example.image for shown in found for example in shown]
        assert sorted(images) == sorted(set(images)) == list(range(number))
    assert [len(shown) for shown in examples(surveyed([2.0]), layer(), 0, 1)] == [1, 0, 0, 0, 0]


def test_zeros_do_not_excite_and_equals_have_no_known_rank():
    found = examples(surveyed([3.0] + [0.0] * 40), layer(), 0, 41)
    assert [example.activation for example in found[0]] == [3]
    assert found[0][0].share == pytest.approx(40 / 41)
    assert all(example.share == 0 for example in found[WEAKEST])
    equal = examples(surveyed([5.0] * 40), layer(), 0, 40)
    assert all(np.isnan(example.share) for example in equal[0])
    assert all(example.share == 0 for example in examples(surveyed([5.0] * 9), layer(), 0, 9)[0])


def test_signed_layers_show_what_is_most_negative():
    lowest = [-1.0, -7.0, 0.0, 2.0, -3.0]
    survey = surveyed([1.0, 2.0, 3.0, 4.0, 5.0], lowest)
    found = examples(survey, layer(None), 0, 5)
    assert len(found) == bands(layer(None)) == len(TITLES) and TITLES[NEGATIVE] == "Most negative"
    assert [(e.image, e.activation) for e in found[NEGATIVE]] == [(1, -7), (4, -3), (0, -1)]
    assert scale_of(survey, layer(None), 0) == 7 and scale_of(survey, layer(), 0) == 5
    images = images_of(survey, layer(None), 5)
    assert images.shape == (1, len(TITLES) * PER_BAND) and images[0, -4:].tolist() == [1, 4, 0, -1]
