"""Sprite sheets: the thumbnails of a layer's units, 64 to a picture.

Flow: store -> **sprites** -> pages. A page of 2,048 units asks for 32 files, not 2,048.
"""

import io
from collections.abc import Iterator, Sequence

from PIL import Image, UnidentifiedImageError

from lamella.figures.published import (
    PATCHES,
    PICTURE,
    SPRITE_SIDE,
    THUMBNAIL,
    patches_shown,
)
from lamella.store.facts import LayerFacts

# In order of preference: what the unit looks for, what it answers to. With neither, plain grey.
SOURCES = (PICTURE[0], PATCHES[0])
VERSION = 2  # raised when the same thumbnails give other bytes
GREY = (136, 136, 136)
PER_SHEET = SPRITE_SIDE**2
STRIP = 10  # thumbnails of a layer on the network's page


def sheets(facts: LayerFacts) -> Iterator[bytes]:
    """The sheets of a layer, as WebP, in order."""
    thumbs = _thumbs(facts)
    for first in range(0, facts.layer.channels, PER_SHEET):
        here = min(PER_SHEET, facts.layer.channels - first)
        rows = -(-here // SPRITE_SIDE)
        sheet = Image.new("RGB", (SPRITE_SIDE * THUMBNAIL, rows * THUMBNAIL), GREY)
        for cell in range(here):
            if (encoded := thumbs.get(first + cell)) and (thumb := _decoded(encoded)):
                row, column = divmod(cell, SPRITE_SIDE)
                at = (column * THUMBNAIL, row * THUMBNAIL)
                sheet.paste(thumb, at, thumb if thumb.mode == "RGBA" else None)
        buffer = io.BytesIO()
        # Method 0 takes a third of the time of 4 and makes 10 % more bytes.
        sheet.save(buffer, "WEBP", quality=80, method=0)
        yield buffer.getvalue()


def strip(facts: LayerFacts, best: Sequence[int]) -> tuple[int, bytes]:
    """Thumbnails of some units side by side: how many, and as WebP.

    Args:
        best: the units to choose from, as far as they have one; any others for want of them.
    """
    thumbs = _thumbs(facts)
    units = [channel for channel in best if channel in thumbs] or sorted(thumbs)
    shown = min(STRIP, len(units))
    channels = [units[place * len(units) // shown] for place in range(shown)]
    if not channels:
        return 0, b""
    line = Image.new("RGB", (len(channels) * THUMBNAIL, THUMBNAIL), GREY)
    for place, channel in enumerate(channels):
        if thumb := _decoded(thumbs[channel]):
            line.paste(thumb, (place * THUMBNAIL, 0), thumb if thumb.mode == "RGBA" else None)
    buffer = io.BytesIO()
    line.save(buffer, "WEBP", quality=80, method=4)
    return shown, buffer.getvalue()


def _thumbs(facts: LayerFacts) -> dict[int, bytes]:
    """The encoded thumbnail of each unit that has one."""
    sources = SOURCES if patches_shown(facts) else SOURCES[:1]
    thumbs: dict[int, bytes] = {}
    for panel in reversed(sources):
        thumbs.update(facts.of(panel).pictures.get("thumb", {}))
    return thumbs


def _decoded(encoded: bytes) -> Image.Image | None:
    """A thumbnail; None where its bytes are no picture."""
    try:
        thumb: Image.Image = Image.open(io.BytesIO(encoded), formats=("WEBP",))
        thumb.load()
    except (OSError, UnidentifiedImageError):
        return None
    if thumb.size != (THUMBNAIL, THUMBNAIL):
        thumb = thumb.resize((THUMBNAIL, THUMBNAIL))
    return thumb if thumb.mode in {"RGB", "RGBA"} else thumb.convert("RGB")
