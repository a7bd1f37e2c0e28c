"""The closed set of things that a page may show, without a word of HTML.

Flow: store -> analyses' `view` -> **figures** -> site. `templates/figures/` has one file per kind;
a new analysis normally needs no other. Sources are paths from the site's top.
"""

from lamella.figures.format import short as short
from lamella.figures.picture import Gallery, Legend, Picture, Reading, Tile
from lamella.figures.plot import Cell, Histogram, Lines, Mark, Series, Table
from lamella.figures.zoom import Level, Spot, Zoom

Figure = Gallery | Histogram | Legend | Lines | Table | Zoom

__all__ = [
    "Cell", "Figure", "Gallery", "Histogram", "Legend", "Level", "Lines", "Mark", "Picture",
    "Reading", "Series", "Spot", "Table", "Tile", "Zoom", "short",
]  # fmt: skip
