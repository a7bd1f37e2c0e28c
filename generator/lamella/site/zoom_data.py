"""A picture to zoom into, as its page and the script `zoom.js` read it.

Flow: figures -> **zoom_data** -> templating. The data lies in an attribute of the page, since
file:// lets no script fetch it. Addresses pass `address` first, and labels lose what no reader
sees.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from lamella.figures import Spot, Zoom

LISTED = 200  # spots that the page lists by name; all are in the picture
# What JSON may hold and an attribute in single quotes may not.
_ESCAPES = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "&<>'"})


@dataclass(frozen=True, slots=True)
class ZoomData:
    """What the macro `zoom` needs.

    Attributes:
        data: JSON for the script, safe in an attribute in single quotes.
        listed: the first of the spots that lead to a page.
        more: how many others do.
    """

    data: Markup
    listed: tuple[Spot, ...]
    more: int


def zoom_data(
    figure: Zoom, root: str, address: Callable[[str], str], visible: Callable[[str], str]
) -> ZoomData:
    """What a figure tells its macro and the script.

    Args:
        root: leads from the page to the site's top.
        address: a path if it is one of the site, else "".
        visible: a text with its unseen characters spelled out.
    """
    spots = [(spot, address(spot.link)) for spot in figure.spots]
    plain = address(f"{figure.folder}0-{figure.name}.webp")
    data = {
        "tile": figure.tile,
        "levels": [[level.width, level.height, level.first] for level in figure.levels]
        if plain
        else [],
        "folder": root + figure.folder if plain else "",
        "name": figure.name if plain else "",
        "spots": [
            [
                *(at.left, at.top, at.width, at.height, visible(at.label)),
                root + link if link else "",
                *(() if at.level is None else (at.level,)),
            ]
            for at, link in spots
        ],
    }
    leading = [spot for spot, link in spots if link]
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True).translate(_ESCAPES)
    return ZoomData(Markup(text), tuple(leading[:LISTED]), max(0, len(leading) - LISTED))
