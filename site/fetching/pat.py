"""GIMP's pattern files (.pat): one small picture that tiles without a seam.

Flow: fetch.py -> patterns.py -> **pat.py**. Pure: bytes in, a picture out.

A header of big-endian 32-bit numbers (its size, version 1, width, height, bytes a pixel), `GPAT`,
a name to the end of the header, then the pixels, row by row. The file is not trusted: every
number is checked before anything is allocated.

Source: GIMP, devel-docs/pat.txt and app/core/gimppattern-header.h.
"""

import struct

from PIL import Image

MAX_NAME = 1024  # bytes; the longest that Debian ships has 18
MAX_SIDE = 4096
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # by bytes a pixel
HEADER = struct.Struct(">5I4s")


class PatError(ValueError):
    """The bytes are not a pattern that can be trusted."""


def read(content: bytes) -> Image.Image:
    """The pattern's picture, RGB; what shines through it is white.

    Raises:
        PatError: no pattern, of an unknown kind, truncated, or absurdly large.
    """
    if len(content) < HEADER.size:
        raise PatError("truncated: the header is not whole")
    header, version, width, height, depth, magic = HEADER.unpack_from(content)
    if magic != b"GPAT":
        raise PatError("no GIMP pattern: it does not say 'GPAT'")
    if version != 1:
        raise PatError(f"format version {version} is unknown")
    if depth not in MODES:
        raise PatError(f"{depth} bytes a pixel are none of 1, 2, 3 and 4")
    if not HEADER.size <= header <= HEADER.size + MAX_NAME:
        raise PatError(f"a header of {header} bytes")
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise PatError(f"a picture of {width} x {height} pixels")
    pixels = content[header : header + width * height * depth]
    if len(pixels) != width * height * depth:
        raise PatError("truncated: pixels are missing")
    picture = Image.frombytes(MODES[depth], (width, height), pixels)
    if picture.mode in ("LA", "RGBA"):
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")
