"""A picture too large for a page, to zoom into."""

from dataclasses import dataclass

from lamella.figures.picture import Picture


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
    """A picture too large for a page, to zoom into; `lamella.figures.pyramid` makes its levels.

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
