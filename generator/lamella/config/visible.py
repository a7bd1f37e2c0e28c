"""Text of strangers: names of files, layers, labels, with what no reader sees spelled out.

Flow: **visible** -> the pages of site, and what commands print.
"""

import re

# What no document may hold: the last two numbers of each plane, and a row among them.
_NO_CHARACTERS = "".join(
    chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)
)
# Controls, the overrides and isolates of bidirectional text, and the halves of names that are no
# text: they reorder, garble or command what is around them.
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
    f"\ud800-\udfff\ufdd0-\ufdef{_NO_CHARACTERS}]"
)


def visible(text: str) -> str:
    """Text with its unseen characters spelled out, `\\u202e` say."""
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
