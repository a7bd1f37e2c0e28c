"""Heat maps: numbers as colours, and the numbers themselves for whoever points at them.

Flow: attribution -> **heat** -> store, picture. Pure arithmetic: no torch, no disk.

One colour map serves all of them: cividis (Nunez, Anderton and Renslow 2018, doi:10.1371/journal.
pone.0199239). Equal steps look equally large, it grows lighter all the way, and it looks the same
to those who cannot tell red from green; so it can also be read in grey. Unsigned values go from
dark blue, which is 0, to yellow. Signed ones from dark blue, which is minus the full value, through
grey, which is 0, to yellow. Nothing is rescaled here: whoever draws a map says which value has the
full colour, and says so on the page. What is no heat map, a kernel say, is `diverging`.
"""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lamella.figures import Reading
from lamella.numbers.upsampling import weights

Maps = NDArray[np.float32]
Colours = NDArray[np.uint8]
COLOURS = 33  # that maps are drawn in; an odd number, so that zero of a signed map has its own
HALF = 0.5  # of the full value: where the contour of a coarse map runs
FINEST = 56  # positions along the longer side of the numbers that a page holds of a map
STEPS = 254  # of those numbers, from the lowest to the highest; 255 says that there is none
MISSING = 255
OUTSHONE = 0.995  # of a fine map's pixels: full colour is what the rest exceeds
_DASH = 6  # pixels of a dash at minus half; half as many where it runs from left to right
# Where the curve bends: of 256 colours, which one, red, green, blue. In between it is straight, to
# within 2 of 255.
_ANCHORS = np.array(
    [(0, 0, 34, 78), (17, 0, 46, 108), (22, 0, 49, 113), (23, 1, 50, 113), (28, 18, 53, 112),
     (35, 32, 58, 111), (53, 56, 71, 108), (86, 88, 94, 109), (110, 109, 111, 114),
     (125, 122, 122, 120), (152, 147, 142, 120), (175, 170, 160, 115), (203, 199, 183, 103),
     (224, 222, 201, 88), (234, 233, 211, 78), (246, 247, 222, 62), (251, 253, 227, 52),
     (255, 254, 232, 56)], dtype=np.float64
)  # fmt: skip


def palette(number: int = COLOURS) -> Colours:
    """Evenly spread colours, (step, RGB), from the darkest to the lightest."""
    at = np.linspace(0, _ANCHORS[-1, 0], number)
    each = [np.interp(at, _ANCHORS[:, 0], _ANCHORS[:, channel]) for channel in (1, 2, 3)]
    return np.stack(each, axis=-1).round().astype(np.uint8)


_PALETTE = palette()
# Blue, white, red (ColorBrewer's RdBu): even steps of lightness on both sides, safe for the
# colour-blind; white is zero.
_BLUE_TO_RED = np.array(
    [[5, 48, 97], [67, 147, 195], [247, 247, 247], [214, 96, 77], [103, 0, 31]], dtype=np.float64
)


def diverging(values: NDArray[np.float64], limit: float) -> Colours:
    """Values from -limit to limit as colours, (..., 3); beyond it they saturate."""
    at = (np.clip(values / limit, -1, 1) + 1) * 2
    channels = [np.interp(at, range(5), _BLUE_TO_RED[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def stops() -> tuple[str, ...]:
    """The colours as drawings name them, for a legend."""
    return tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in _PALETTE.tolist())


def coloured(values: Maps, full: float, signed: bool) -> Colours:
    """Numbers as colours, `(..., RGB)`: the nearest of `COLOURS` steps, so that pictures are small.

    Args:
        values: NaN where there is none; that becomes black, which is no colour of the scale.
        full: the value of the full colour; what is beyond it has that colour too. Where it is not
            above zero, every value counts as zero.
        signed: whether values may be negative. Otherwise those below zero count as zero.
    """
    known = np.isfinite(values)
    shares = np.where(known, values, 0) / full if full > 0 else np.zeros(values.shape, np.float32)
    shares = (shares.clip(-1, 1) + 1) / 2 if signed else shares.clip(0, 1)
    found: Colours = _PALETTE[np.rint((COLOURS - 1) * shares).astype(np.int64)]
    found[~known] = 0
    return found


def picture(
    values: Maps,
    full: float,
    signed: bool,
    side: int | tuple[int, int],
    contour: bool = True,
) -> Image.Image:
    """A map as a picture that covers the same image.

    A map of fewer positions than pixels is smooth between them, and has a line where it reaches
    half of the full value, so that it can be read without colour; where signed, a dashed one at
    minus half. A finer map is `reduced`, and has none.

    Args:
        values: `(row, column)`, spread evenly over the image.
        full, signed: as for `coloured`.
        side: of the picture in pixels, or its rows and columns.
    """
    rows, columns = (side, side) if isinstance(side, int) else side
    coarse = values.shape[0] < rows or values.shape[1] < columns
    drawn = coloured(
        smooth(values, (rows, columns)) if coarse else reduced(values, (rows, columns), signed),
        full,
        signed,
    )
    if coarse and contour and full > 0:
        fine = smooth(values, (rows, columns)) / np.float32(full)
        if signed:
            _line(drawn, fine <= -HALF, dashed=True)
        _line(drawn, fine >= HALF)
    return Image.fromarray(drawn)


def contour(values: Maps, full: float, side: int | tuple[int, int]) -> Image.Image:
    """Only the line where a map reaches half of the full value; the rest is transparent."""
    rows, columns = (side, side) if isinstance(side, int) else side
    drawn = np.zeros((rows, columns, 4), np.uint8)
    if full > 0:
        _line(drawn, smooth(values, (rows, columns)) / np.float32(full) >= HALF)
    return Image.fromarray(drawn)


def smooth(values: Maps, size: tuple[int, ...]) -> Maps:
    """A map on a finer grid, `(row, column)`, bilinear; level beyond the outermost positions."""
    rows, columns = (
        weights(None, positions, extent, extent)
        for positions, extent in zip(values.shape, size, strict=False)
    )
    found: Maps = np.matmul(np.matmul(rows, values), columns.T)
    return found


def reduced(values: Maps, side: int | tuple[int, int], signed: bool = False) -> Maps:
    """A map on a coarser grid: of what falls on a position the largest, where signed the mean.

    A single strong pixel must not fade away; but of a map that adds up to something, as integrated
    gradients do, means add up as well. An axis that is short enough stays as it is.

    Args:
        values: `(..., row, column)`.
        side: most positions of the longer axis, the other in proportion; or rows and columns.
    """
    rows, columns = values.shape[-2:]
    if isinstance(side, int):
        share = min(1.0, side / max(rows, columns))
        wanted = (max(1, round(rows * share)), max(1, round(columns * share)))
    else:
        wanted = (min(rows, side[0]), min(columns, side[1]))
    found: NDArray[np.floating] = values
    for axis, before, after in ((-2, rows, wanted[0]), (-1, columns, wanted[1])):
        starts = np.arange(after) * before // after
        if signed:
            lengths = np.diff([*starts.tolist(), before]).astype(np.float32)
            sums = np.add.reduceat(found, starts, axis=axis)
            found = sums / (lengths[:, None] if axis == -2 else lengths)
        else:
            found = np.maximum.reduceat(found, starts, axis=axis)
    return np.asarray(found, np.float32)


def levels(
    values: Maps, signed: bool = False, finest: int = FINEST
) -> tuple[NDArray[np.uint8], float, float]:
    """The numbers behind a picture of a map as bytes, as coarse as a page can bear.

    Args:
        values: `(row, column)`, spread evenly over the picture; NaN where there is none.
        signed: how a finer map is `reduced`.
        finest: most positions along the longer side.
    Returns:
        `(row, column)`, 0 for the lowest number, STEPS for the highest, MISSING for none; and those
        two numbers.
    """
    small = reduced(np.asarray(values, np.float32), finest, signed).astype(np.float64)
    known = np.isfinite(small)
    low, high = (float(small[known].min()), float(small[known].max())) if known.any() else (0, 0)
    step = (high - low) / STEPS or 1.0
    found = np.where(known, np.rint((np.where(known, small, low) - low) / step), MISSING)
    return found.astype(np.uint8), low, high


def read(found: NDArray[np.uint8], low: float, high: float, words: str = "{}") -> Reading:
    """What `levels` gives, for a page; `words` say what a number is, with "{}" in its place."""
    rows, columns = found.shape
    return Reading(rows, columns, base64.b64encode(found.tobytes()).decode(), low, high, words)


def reading(values: Maps, words: str = "{}", signed: bool = False, finest: int = FINEST) -> Reading:
    """The numbers behind a picture of a map, at once: `levels`, then `read`."""
    return read(*levels(values, signed, finest), words)


def rim(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a region that have one beside them that is not of it; borders are none."""
    around = np.pad(region, 1, mode="edge")
    inner = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    found: NDArray[np.bool_] = region & ~inner
    return found


def _line(drawn: Colours, inside: NDArray[np.bool_], dashed: bool = False) -> None:
    """Draw the border of a region: light within, dark without, so that it shows on any ground."""
    for line, colour in ((rim(inside), 255), (rim(~inside), 0)):
        if dashed:
            rows, columns = np.indices(line.shape)
            line &= (rows + 2 * columns) // _DASH % 2 == 0
        drawn[line] = (colour, colour, colour, 255)[: drawn.shape[-1]]


def full_colour(values: Maps, side: int, *, fine: bool, signed: bool) -> float:
    """Which value of a map has the full colour; 0 where the map is zero everywhere.

    That of largest magnitude. A few single pixels of a fine map outshine all others by far, so its
    full colour is the magnitude that one in two hundred of the picture's pixels exceeds.

    Args:
        values: `(row, column)`, all of it finite.
        side: of the picture, in pixels.
        fine: whether the map has single pixels that outshine the rest.
    """
    seen = np.abs(reduced(values, side, signed) if fine else values)
    full = float(np.quantile(seen, OUTSHONE) if fine else seen.max())
    return full or float(seen.max())
