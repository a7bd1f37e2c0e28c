"""The closed set of things that a panel may show, without a word of HTML.

Flow: store -> panels' `view` -> **figures** -> pages. `templates/figures.html.j2` has one macro
per kind; a new analysis normally needs no other. Sources are paths from the site's top.
"""

from dataclasses import dataclass

from lamella.units import Box


def short(value: float) -> str:
    """A number as captions say it: three digits, thousands in full, no powers of ten below a
    million."""
    return f"{value:,.0f}" if 999.5 <= abs(value) < 1e6 else f"{value:.3g}"


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers behind a picture of a map, which a reader may point at; `lamella.heat` makes it.

    Attributes:
        rows, columns: of a grid that covers the picture evenly.
        data: its numbers, row by row, a byte each, in base64: 0 is `low`, 254 is `high`, what lies
            between them is even, and 255 says that there is no number.
        low, high: the lowest and the highest number.
        words: what a number is, with "{}" in its place: "{} of probability lost".
    """

    rows: int
    columns: int
    data: str
    low: float
    high: float
    words: str = "{}"


@dataclass(frozen=True, slots=True)
class Picture:
    """One image, or one cell of a sprite sheet.

    Attributes:
        src: path from the site's top with forward slashes, or a `data:image/` address.
        alt: what it shows, for those who cannot see it.
        width, height: of the whole picture, or of one cell of the sheet, in pixels.
        cell: which cell of the sheet, row by row; None where the file is the picture.
        columns, rows: cells of the sheet.
        outline: a part of the picture to frame.
        pixelated: show the pixels sharp: for kernels and tiny patches.
        over: a second picture, with an alpha channel, that is stretched over this one and always
            smooth. It has no picture over itself, and what it adds belongs into `alt`: its own
            is not read out.
        reading: the numbers that pointing at it shows.
    """

    src: str
    alt: str
    width: int
    height: int
    cell: int | None = None
    columns: int = 1
    rows: int = 1
    outline: Box | None = None
    pixelated: bool = False
    over: "Picture | None" = None
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture in a gallery.

    Attributes:
        picture: the picture itself.
        caption: one short line below it.
        detail: a second, quieter line; may be empty.
        link: path from the site's top of the page that it leads to; may be empty.
        beside: the same thing in context, shown next to the picture: a patch's whole image, a
            unit's kernel.
    """

    picture: Picture
    caption: str
    detail: str = ""
    link: str = ""
    beside: Picture | None = None


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures in a row that wraps.

    Attributes:
        size: "large", "medium" or "small"; or "plates", seven a row, whose details stand below;
            or "row", four tiles in one line with the title beside them; or "wide", one picture at
            its own size, which scrolls by itself; or "pairs", each with what is beside it; or
            "lone", one picture with other figures at its side; or "near", many small ones with
            the title in front, the first set apart; or "maps", an image and heat maps of it at
            one scale: pointing at one of them points at the same place in all. Where a map that
            can be read lies over a photograph, that is grey and shines through; or "mixed",
            photographs that shine through what lies over each; or "stages", small ones that belong
            together, ten in a row where there is room; or "classes", many pairs of equal size.
    """

    title: str
    tiles: tuple[Tile, ...]
    note: str = ""
    size: str = "medium"


@dataclass(frozen=True, slots=True)
class Legend:
    """The colours of heat maps, once for all that are on a page.

    Attributes:
        unsigned, signed: which of the two scales the maps have: from 0 to the full colour, or from
            minus to plus the full colour.
        contour: whether coarse maps have lines at half of the full value.
        mixed: whether maps lie over photographs: then a switch shows them alone.
    """

    title: str = ""
    unsigned: bool = True
    signed: bool = True
    contour: bool = True
    mixed: bool = False
    note: str = ""


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


@dataclass(frozen=True, slots=True)
class Level:
    """One size of a picture to zoom into, cut into tiles that lie row by row.

    Attributes:
        width, height: in pixels; the next level is twice as large (an odd side loses its half).
        first: the entry number of its first tile.
    """

    width: int
    height: int
    first: int


@dataclass(frozen=True, slots=True)
class Spot:
    """A rectangle of a picture to zoom into, in pixels of its full size, that has a name.

    Attributes:
        link: path from the site's top of the page that it leads to; may be empty.
        level: where the levels show different things, the one that it is a part of: it has a name
            while that one is seen. Without it, at every level.
    """

    left: int
    top: int
    width: int
    height: int
    label: str
    link: str = ""
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Zoom:
    """A picture too large for a page, to zoom into; `lamella.pyramid` makes its levels.

    What the levels show may differ: finer grids deeper down.

    Attributes:
        alt: what it shows, for those who cannot see it.
        still: what is shown without scripts and on paper.
        levels: from the smallest to the full size.
        tile: side of a tile, in pixels; those at the right and lower border are smaller.
        folder, name: the address of a tile is `folder + entry + "-" + name + ".webp"`, which is
            what `atlas.panel_picture` gives for the panel that stored it.
        spots: places with a name; where they overlap, the last one counts.
    """

    title: str
    alt: str
    still: Picture
    levels: tuple[Level, ...]
    tile: int
    folder: str
    name: str
    spots: tuple[Spot, ...] = ()
    note: str = ""


Figure = Gallery | Histogram | Legend | Lines | Table | Zoom
