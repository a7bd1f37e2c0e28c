"""Text of a figure, broken into lines and shortened by its width in millimetres.

Flow: **lettering** -> plate.
"""

from collections.abc import Iterator
from functools import lru_cache

FONT = "DejaVu Sans"  # comes with matplotlib: the same everywhere
POINT = 25.4 / 72  # in millimetres


@lru_cache(maxsize=4096)
def wide(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) * POINT


def wrapped(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """Text in lines that fit; a word that does not is broken."""
    lines = [""]
    for word in _words(text, size, width, bold):
        longer = f"{lines[-1]} {word}".strip()
        if wide(longer, size, bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]


def _words(text: str, size: float, width: float, bold: bool) -> Iterator[str]:
    for word in text.split():
        while len(word) > 1 and wide(word, size, bold) > width:
            fits = (n for n in range(len(word) - 1, 1, -1) if wide(word[:n], size, bold) <= width)
            most = next(fits, 1)
            yield word[:most]
            word = word[most:]
        yield word


def fitting(text: str, size: float, width: float) -> str:
    """Text cut in the middle so that it fits: names differ at their ends."""
    cut, half = text, len(text) // 2
    while wide(cut, size) > width and half > 1:
        half -= 1
        cut = f"{text[:half]}…{text[-half:]}"
    return cut
