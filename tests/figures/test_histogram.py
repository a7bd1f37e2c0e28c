"""Histograms: where bars, ticks and marks lie."""

from dataclasses import replace

from lamella.figures import Histogram, Mark
from lamella.figures.histogram import histogram_coordinates


def test_it_holds_what_they_are_given() -> None:
    figure = Histogram(
        "", (0, 1, 2, 4), (1000, 0, 1), "alt", "x", (Mark("p", 3.9), Mark("q", 4), Mark("r", 9))
    )
    drawn = histogram_coordinates(figure)
    assert drawn.bars.count("v-") == 2
    assert [mark.label for mark in drawn.marks] == ["p", "q"]
    assert drawn.marks[0].row != drawn.marks[1].row
    assert [tick.label for tick in drawn.y] == ["1", "10", "100", "1k"]
    assert histogram_coordinates(replace(figure, counts=(0, 0, 0), edges=(0, 0, 0, 0))).bars
