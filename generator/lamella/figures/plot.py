"""Charts and tables, as the numbers that they show.

Flow: analyses' `view` -> **plot** -> histogram, line_chart, templates.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """A named place on an axis."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between edges; `edges` has one more than `counts`. `log` draws the counts so.

    Attributes:
        beyond: from here on the ground is tinted: what lies there is out of distribution.
    """

    title: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    alt: str
    label: str
    marks: tuple[Mark, ...] = ()
    note: str = ""
    log: bool = True
    beyond: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart.

    Attributes:
        name: what the legend calls it.
        values: its heights, some hundreds at most; NaN is a gap.
        x: its own places on the x axis, where it does not share those of the figure.
    """

    name: str
    values: tuple[float, ...]
    x: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """Values along an axis, a line for each series; a legend where there are several.

    Attributes:
        x: the places of the values, ascending; may be empty where `names` number them.
        alt: what the chart shows, for those who cannot see it.
        names: of the places on the x axis (layers by depth, say), which then are 0, 1, 2, ...
        marks: named places on the x axis.
        log_y: draw the heights on a log scale; what is not above zero becomes a gap.
        ticks: what the x axis names below it; round numbers where there are none.
    """

    title: str
    x: tuple[float, ...]
    series: tuple[Series, ...]
    alt: str
    x_label: str
    y_label: str
    names: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    note: str = ""
    log_y: bool = False
    ticks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table that leads to a page, or has a bar beside its number.

    Attributes:
        link: path from the site's top; may be empty.
        bar: a share from 0 to 1, drawn as the length of a bar.
    """

    text: str
    link: str = ""
    bar: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Names and values; `head` names the columns and may be empty."""

    title: str
    rows: tuple[tuple[str | Cell, ...], ...]
    head: tuple[str, ...] = ()
    note: str = ""
