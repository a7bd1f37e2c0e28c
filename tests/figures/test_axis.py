"""Axes: round numbers, and marks with labels."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamella.figures import Mark
from lamella.figures.axis import nice_steps, placed_marks
from lamella.figures.format import compact


def test_steps_are_round() -> None:
    assert nice_steps(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert nice_steps(float("nan"), 1)
    assert compact(12345) == "12.3k"


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 24), st.floats(0, 1)), min_size=1, max_size=6))
def test_no_mark_runs_through_a_label_that_stands_after_it(marks) -> None:
    """A line goes down from its own label, so that it may cross only labels above that."""
    given = tuple(Mark("x" * length, value) for length, value in marks)
    drawn = placed_marks(given, 0.0, 1.0, 430.0, 40.0, 480.0)
    for label in (mark for mark in drawn if mark.anchor == "start"):
        end = label.at + len(label.label) * 6.4
        for line in drawn:
            assert not (label.at < line.at < end and line.row < label.row)
