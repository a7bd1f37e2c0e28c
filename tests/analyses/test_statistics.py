"""The histogram of a unit's activations: what it counts, and what it marks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.layer_facts import made_by_hand
from lamella.analyses.statistics import BEYOND, Statistics, histogram
from lamella.figures import Histogram, Table
from lamella.figures.histogram import WIDTH, histogram_coordinates
from lamella.survey.bins import BINS, ZERO, edges, table


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


def counted(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float32)
    return np.bincount(table()[values.view(np.uint32) >> 19], minlength=BINS)


VALUES = np.linspace(0.5, 10, 400)


def shown(picture: float, values: np.ndarray = VALUES) -> Histogram:
    maximum = float(values.max())
    figure = histogram(
        counted(values), maximum, maximum - 0.5, p99=maximum - 1, picture=picture, zeros=0.25
    )
    assert figure is not None
    return figure


@pytest.mark.parametrize("picture", [float("nan"), 3.0, 10.0, 10.01, 14.0, 29.9, 31.0, 1e9])
def test_the_picture_is_marked_and_the_axis_reaches_it(picture: float) -> None:
    figure = shown(picture)
    assert sum(figure.counts) == VALUES.size and len(figure.edges) == len(figure.counts) + 1
    steps = np.diff(figure.edges)
    assert np.allclose(steps, steps[0]) and (steps > 0).all()
    marks = {mark.label.partition(":")[0]: mark for mark in figure.marks}
    assert set(marks) - {"picture"} == {"zero", "99 %", "99.9 %", "maximum"}
    assert (marks["zero"].label, marks["zero"].value) == ("zero: 25 %", 0)
    if np.isnan(picture):
        assert "picture" not in marks
        return
    end = figure.edges[-1]
    assert marks["picture"].value == min(picture, end)
    reach = 10 + BEYOND * 10  # the axis begins at zero
    assert min(picture, reach) - 1e-9 <= end <= max(10, min(picture, reach)) + steps[0]
    assert ("→" in marks["picture"].label) == (picture > end)
    if picture > end:
        assert marks["picture"].label == f"picture: {picture / 10:,.0f}× maximum →"


@pytest.mark.parametrize("picture", [10.0, 12.0, 30.0, 1e9])
def test_labels_of_marks_do_not_collide(picture: float) -> None:
    drawn = histogram_coordinates(shown(picture))
    assert len(drawn.marks) == 5, "none lies outside the axis"
    spans: dict[float, list[tuple[float, float]]] = {}
    for mark in drawn.marks:
        wide = len(mark.label) * 6.0
        span = (mark.at - wide, mark.at) if mark.anchor == "end" else (mark.at, mark.at + wide)
        assert span[0] >= 0 and span[1] <= WIDTH
        assert all(a >= span[1] or b <= span[0] for a, b in spans.get(mark.row, []))
        spans.setdefault(mark.row, []).append(span)


def test_a_unit_that_is_never_positive_has_its_axis_made_longer_too() -> None:
    figure = shown(50.0, -np.linspace(1, 9, 100))
    assert figure.edges[-1] == pytest.approx(-1 + BEYOND * 8.5, abs=0.5)
    assert figure.marks[-1].label == "picture: 50 →"


def test_the_statistics_of_a_unit_without_a_good_activation() -> None:
    names = ("mean", "deviation", "zeros", "p50", "p90", "p99")
    survey = {name: np.full(6, 0.5, np.float32) for name in names} | {
        "maximum": np.array([10, 10, 0, 0, 5, 10], np.float32),
        "p999": np.array([5, 4, 0, 0, 1, 10.3], np.float32),
    }
    survey["counts"] = np.tile(counted(VALUES), (6, 1))
    made = {
        "activation": np.array([np.nan, 8, 2, 0, 7, 20], np.float32),
        "failed": np.array([0, 0, 0, 0, 1, 0], np.uint8),
    }
    facts = made_by_hand(made, survey, pictures=(0, 1, 2, 3, 5))
    for channel, marked in enumerate((False, True, True, True, False, True)):
        figure, words = Statistics().view(facts, channel)
        assert isinstance(figure, Histogram) and isinstance(words, Table)
        assert any(mark.label.startswith("picture") for mark in figure.marks) == marked
        assert any(row[0] == "Feature visualization" for row in words.rows) == marked
