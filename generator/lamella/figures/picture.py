"""Pictures, and galleries of them.

Flow: analyses' `view` -> **picture** -> tiles. Sources are paths from the site's top.
"""

from dataclasses import dataclass

from lamella.network.units import Box


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers behind a picture of a map, which a reader may point at; heat.py makes it.

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
