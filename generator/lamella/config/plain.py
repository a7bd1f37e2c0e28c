"""What no value of atlas.toml may be, wherever it stands: said before a key is looked at.

Flow: **plain** -> config.
"""

import math
from collections.abc import Iterator
from typing import Any

DEPTH = 16  # tables and lists within each other
WHOLE = 2**53  # beyond it whole numbers are not what they are where something takes a float
SIGNS = 100_000  # of a text


def refused(value: Any, at: str = "", depth: int = 0) -> Iterator[tuple[str, str, str]]:
    """The values of a tree that nothing can be meant by: their key, what they are, what may be."""
    if depth > DEPTH:
        yield at, f"nested more than {DEPTH} deep", "No setting is nested as deep"
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from refused(inner, f"{at}.{key}" if at else key, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from refused(inner, at, depth + 1)
    elif isinstance(value, int) and abs(value) > WHOLE:
        yield at, "a whole number beyond 2^53", "Write a smaller one"
    elif isinstance(value, float) and not math.isfinite(value):
        yield at, str(value), "Write a number that is finite"
    elif isinstance(value, str) and "\0" in value:
        yield at, "a text with the character NUL in it", "Take it out"
    elif isinstance(value, str) and len(value) > SIGNS:
        yield at, f"a text of {len(value)} characters", f"At most {SIGNS} are taken"
