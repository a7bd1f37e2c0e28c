"""Line charts: where lines, gaps, ticks and names lie."""

import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lamella.figures import Lines, Mark, Series
from lamella.figures.line_chart import DASHES, WIDTH, line_chart_coordinates
from lamella.site.templating import environment

NAN = math.nan
FIGURE = Lines("title", (0, 1, 2, 3), (Series("one", (0, 1, 4, 2)),), "alt", "step", "height")


def points(path: str) -> list[tuple[float, float]]:
    numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def drawn(figure: Lines) -> str:
    macros = environment().get_template("figures/lines.html.j2").module
    return str(macros.lines(figure))  # type: ignore[attr-defined]


def test_lines_hold_what_they_are_given() -> None:
    chart = line_chart_coordinates(FIGURE)
    (line,) = chart.lines
    found = points(line.path)
    assert [x for x, _ in found] == sorted(x for x, _ in found)
    heights = [y for _, y in found]
    assert heights[0] == chart.base and heights[2] == min(heights) and heights[3] < heights[1]
    assert [tick.label for tick in chart.y] == ["0", "1", "2", "3", "4"]
    assert [tick.label for tick in chart.x] == ["0", "1", "2", "3"]
    assert line.dots.count("M") == 4


def test_what_is_not_there_is_a_gap() -> None:
    values = (1, 2, NAN, 3, NAN, math.inf, 4, 5, 6)
    chart = line_chart_coordinates(replace(FIGURE, x=tuple(range(9)), series=(Series("", values),)))
    assert [len(points(run)) for run in chart.lines[0].path.split("M")[1:]] == [2, 3]
    many = (*range(20), NAN, 7, NAN)
    chart = line_chart_coordinates(replace(FIGURE, x=tuple(range(23)), series=(Series("", many),)))
    assert chart.lines[0].path.count("M") == chart.lines[0].dots.count("M") == 1


@pytest.mark.parametrize("values", [(), (NAN,) * 4, (7,) * 4, (0,) * 4, (-1e6,) * 4])
def test_nothing_to_show_is_still_a_chart(values: tuple[float, ...]) -> None:
    x = FIGURE.x if values else ()
    for log in (False, True):
        chart = line_chart_coordinates(
            replace(FIGURE, x=x, series=(Series("", values),), log_y=log)
        )
        assert chart.y and chart.base > chart.top and "nan" not in chart.lines[0].path


@given(
    st.lists(st.tuples(st.floats(), st.floats()), max_size=20),
    st.booleans(),
)
@example([(0, 5e-324), (1, 0)], False)
@example([(0, 1.7e308), (1, -1.7e308)], False)
@example([(1e300, 0), (0, 1e299), (-1e299, 3)], True)
def test_whatever_the_values_the_chart_stays_in_its_frame(
    values: list[tuple[float, float]], log: bool
) -> None:
    x, y = tuple(x for x, _ in values), tuple(y for _, y in values)
    chart = line_chart_coordinates(replace(FIGURE, x=x, series=(Series("", y),), log_y=log))
    for across, down in points(chart.lines[0].path):
        assert chart.left - 1 <= across <= chart.right + 1
        assert chart.top - 1 <= down <= chart.base + 1
    assert all(0 <= tick.at <= WIDTH for tick in chart.x)
    assert len({tick.label for tick in chart.y}) == len(chart.y)


def test_a_log_scale_names_powers_of_ten() -> None:
    chart = line_chart_coordinates(
        replace(FIGURE, series=(Series("", (0, 3, 200, 4000)),), log_y=True)
    )
    assert [tick.label for tick in chart.y] == ["1", "10", "100", "1k", "10k"]
    assert len(points(chart.lines[0].path)) == 3
    assert "height; log scale" in drawn(replace(FIGURE, log_y=True))


def test_values_that_lie_close_keep_labels_apart() -> None:
    series = (Series("", (1000001, 1000002, 1000003, 1000001)),)
    labels = [tick.label for tick in line_chart_coordinates(replace(FIGURE, series=series)).y]
    assert len(set(labels)) == len(labels) > 1


@pytest.mark.parametrize("number", [1, 2, 5, 12, 60, 300])
@pytest.mark.parametrize("name", ["fc{}", "features.{}.expand3x3", "x" * 80])
def test_names_do_not_collide(number: int, name: str) -> None:
    names = tuple(name.format(at) for at in range(number))
    chart = line_chart_coordinates(
        Lines("", (), (Series("", (1.0,) * number),), "alt", "layer", "", names=names)
    )
    places = [tick.at for tick in chart.x]
    room = 21 if chart.slanted else max(len(tick.label) for tick in chart.x) * 5.5
    assert all(b - a >= room - 0.2 for a, b in pairwise(places))
    for tick, full in zip(chart.x, chart.full, strict=True):
        assert len(tick.label) <= 17 and bool(full) == ("…" in tick.label)
        assert tick.at - len(tick.label) * (7.2 * 0.7 if chart.slanted else 3) >= -1
    assert chart.left < WIDTH / 2 and chart.height > chart.base


def test_the_end_of_a_long_name_is_kept() -> None:
    names = ("conv1", *(f"features.{at}.expand3x3" for at in range(9)))
    chart = line_chart_coordinates(
        Lines("", (), (Series("", (1.0,) * 10),), "alt", "", "", names=names)
    )
    assert {tick.label for tick in chart.x} >= {"conv1", "…8.expand3x3"} or chart.slanted
    assert all(tick.label.endswith(("conv1", ".expand3x3")) for tick in chart.x)


def test_a_series_may_have_its_own_places() -> None:
    figure = replace(FIGURE, series=(*FIGURE.series, Series("own", (1, 2), (2, 6))))
    first, own = (points(line.path) for line in line_chart_coordinates(figure).lines)
    assert own[0][0] == first[2][0] and own[1][0] == WIDTH - 14
    with pytest.raises(ValueError):
        line_chart_coordinates(replace(FIGURE, series=(Series("short", (1, 2)),)))


def test_marks_stand_on_the_axis() -> None:
    chart = line_chart_coordinates(
        replace(FIGURE, marks=(Mark("b", 2), Mark("a", 1.9), Mark("out", 9)))
    )
    assert [mark.label for mark in chart.marks] == ["a", "b"]
    assert chart.marks[0].row != chart.marks[1].row and chart.top > 38


def test_series_are_told_apart_without_colour() -> None:
    series = tuple(Series(f"<{at}>", FIGURE.series[0].values) for at in range(DASHES + 2))
    chart = line_chart_coordinates(replace(FIGURE, series=series))
    assert len({line.style for line in chart.lines}) == len(series)
    page = drawn(replace(FIGURE, series=series))
    assert page.count("<li>") == len(series) and "<bdi>&lt;3&gt;</bdi>" in page
    assert '<ul class="keys">' not in drawn(FIGURE)
    assert 'role="img" aria-label="alt"' in page and ">step</text>" in page
