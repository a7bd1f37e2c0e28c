"""A figure drawn with matplotlib, in millimetres: PDF, SVG or PNG.

Flow: figure -> **plate** -> a file. The same rows give the same bytes: no times, no random names;
fonts are embedded. With lettering, all that imports matplotlib.
"""

import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella.errors import ConfigError
from lamella.exports.figure import INPUTS, Input, Row, Shown
from lamella.exports.lettering import FONT, POINT, fitting, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INCH = 25.4  # in millimetres
GAP, NARROW = 3.0, 0.8  # between columns, between pictures
SHORTEST, TALLEST = 8.0, 60.0  # rows
TITLE, SMALL, TINY = 7.0, 6.0, 4.5  # fonts, in points
LABEL = TINY * POINT * 1.3  # height of a line below an input
LEADING = 1.35
GREY = "#555555"
HEADS = (
    "Feature visualization",
    "Dataset examples, strongest first",
    "Strongest inputs and the weights on them: red positive, blue negative",
    "Kernels of the first layer as colours",
)
SETTINGS: Any = {
    "font.family": FONT,
    "pdf.fonttype": 42,  # TrueType, as publishers ask for
    "svg.fonttype": "path",
    "svg.hashsalt": "lamella",
}
METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"Creator": "Lamella", "Producer": None, "CreationDate": None},
    "svg": {"Creator": "Lamella", "Date": None},
    "png": {"Software": "Lamella"},
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where columns lie, in millimetres: all rows have the same.

    Attributes:
        side: of a row's feature visualization; the row is as tall.
        columns: of dataset examples, in two rows.
        patch: side of one of them.
        first, second: left edges of the columns of examples and of weights.
        tile: side of an input's pictures; 0 where no row has inputs.
    """

    side: float
    columns: int
    patch: float
    first: float
    second: float
    tile: float


def drawn(
    rows: Sequence[Row], source: str, kind: str, width: float, dpi: int
) -> tuple[bytes, list[str]]:
    """A figure of some rows, and what the font has no sign for.

    Args:
        source: the line below all rows.
        kind: "pdf", "svg" or "png".
        width: in millimetres.
    Raises:
        ConfigError: matplotlib is not installed, or nothing fits into the width.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Figures are drawn with matplotlib, which is not installed.",
            'Install it with: pip install "lamella[figure]"',
        ) from error
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        plan = _layout(rows, width)
        texts = [
            (wrapped(row.title, TITLE, width, bold=True), wrapped(row.caption, SMALL, width))
            for row in rows
        ]
        below = wrapped(source, SMALL, width)
        heights = [
            plan.side + NARROW + _height(title, TITLE) + _height(caption, SMALL)
            for title, caption in texts
        ]
        heads = _heads(rows, plan, width)
        head = max(_height(lines, TINY) for _, lines in heads) + NARROW
        height = head + sum(heights) + GAP * len(rows) + _height(below, SMALL)
        figure = Figure(figsize=(width / INCH, height / INCH), dpi=dpi)
        page = _Page(figure, width, height, kind)
        for left, lines in heads:
            page.text(lines, left, head - NARROW - _height(lines, TINY), TINY, color=GREY)
        top = head
        for row, (title, caption), tall in zip(rows, texts, heights, strict=True):
            _row(page, row, plan, top)
            y = page.text(title, 0, top + plan.side + NARROW, TITLE, weight="bold")
            page.text(caption, 0, y, SMALL)
            top += tall + GAP
        page.text(below, 0, top, SMALL, color=GREY)
        file = io.BytesIO()
        figure.savefig(file, format=kind, dpi=dpi, metadata=METADATA[kind])
    return file.getvalue(), sorted({str(each.message) for each in said})


def _layout(rows: Sequence[Row], width: float) -> Layout:
    """The largest pictures that fit into the width."""
    columns = -(-max(len(row.examples) for row in rows) // 2)
    columns = columns or 2 * any(row.no_examples for row in rows)  # room to say why
    inputs = any(any(row.inputs) for row in rows)
    kernel = any(row.kernel for row in rows)

    def at(side: float) -> tuple[Layout, float]:
        """The layout for a side, and how wide it is."""
        patch = (side - NARROW) / 2
        first = side + GAP
        second = first + (columns * (patch + NARROW) - NARROW + GAP if columns else 0)
        tile = (side - NARROW) / 2 - LABEL if inputs else 0
        wide = INPUTS * (2 * tile + 2 * NARROW) if inputs else 0
        return Layout(side, columns, patch, first, second, tile), second + max(
            wide, side if kernel else 0
        )

    # The width grows with the side, on a straight line or two.
    low, high = SHORTEST, TALLEST
    if at(low)[1] > width:
        raise ConfigError(
            f"--width {width:g}: rows would be less than {low:g} mm tall.",
            f"Take {math.ceil(at(low)[1])} mm or more, or fewer --examples.",
        )
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if at(middle)[1] <= width else (low, middle)
    return at(low)[0]


def _heads(rows: Sequence[Row], plan: Layout, width: float) -> list[tuple[float, list[str]]]:
    """What stands above each column, and where."""
    picture, patches, inputs, kernel = HEADS
    weights = [inputs] if any(any(row.inputs) for row in rows) else []
    weights += [kernel] if any(row.kernel for row in rows) else []
    found = [(0.0, wrapped(picture, TINY, plan.side))]
    if plan.columns:
        found.append((plan.first, wrapped(patches, TINY, plan.second - plan.first - GAP)))
    if weights:
        found.append((plan.second, wrapped(". ".join(weights), TINY, width - plan.second)))
    return found


class _Page:
    """A figure that is drawn on in millimetres, from its upper left corner."""

    def __init__(self, figure: "Figure", width: float, height: float, kind: str) -> None:
        self.figure, self.width, self.height = figure, width, height
        self._smooth = "lanczos" if kind == "png" else "none"  # vector formats keep all pixels

    def picture(self, shown: Shown, left: float, top: float, side: float) -> None:
        """A picture in a square, as large as fits."""
        scale = side / max(shown.image.size)
        across, down = shown.image.width * scale, shown.image.height * scale
        left, top = left + (side - across) / 2, top + (side - down) / 2
        axes = self.figure.add_axes(
            (
                left / self.width,
                1 - (top + down) / self.height,
                across / self.width,
                down / self.height,
            )
        )
        axes.imshow(
            np.asarray(shown.image),
            interpolation="nearest" if shown.sharp else self._smooth,
            aspect="auto",
        )
        axes.set_axis_off()

    def text(
        self, lines: Sequence[str], left: float, top: float, size: float, **style: Any
    ) -> float:
        """Lines of text, left-aligned; returns where the next would begin."""
        for line in lines:
            top += size * POINT * LEADING
            self.figure.text(
                left / self.width,
                1 - (top - size * POINT * (LEADING - 1)) / self.height,
                line,
                fontsize=size,
                parse_math=False,
                **style,
            )
        return top


def _row(page: _Page, row: Row, plan: Layout, top: float) -> None:
    """The pictures of a unit."""
    side, patch = plan.side, plan.patch
    if row.picture:
        page.picture(row.picture, 0, top, side)
    else:
        page.text(["no feature visualization"], 0, top, SMALL, color=GREY)
    for place, example in enumerate(row.examples):
        y, x = divmod(place, plan.columns)
        step = patch + NARROW
        page.picture(example, plan.first + x * step, top + y * step, patch)
    if row.no_examples:
        page.text([row.no_examples], plan.first, top, SMALL, color=GREY)
    if row.kernel:
        page.picture(row.kernel, plan.second, top, side)
    for sign, inputs in enumerate(row.inputs):
        for place, one in enumerate(inputs):
            tile, step = plan.tile, 2 * plan.tile + 2 * NARROW
            _input(page, one, plan.second + place * step, top + sign * (side + NARROW) / 2, tile)


def _input(page: _Page, one: Input, left: float, top: float, tile: float) -> None:
    """An input's visualization, the weights on it beside, and its name below."""
    if one.picture:
        page.picture(one.picture, left, top, tile)
    page.picture(one.weights, left + tile, top, tile)
    label = fitting(f"{one.total} {one.name}", TINY, 2 * tile)
    page.text([label], left, top + tile, TINY, color=GREY)


def _height(lines: Sequence[str], size: float) -> float:
    return len(lines) * size * POINT * LEADING
