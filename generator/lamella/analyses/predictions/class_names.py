"""Which classes a label names.

Flow: labels + names of the outputs -> **class_names** -> stored.
"""

from __future__ import annotations

import re
from functools import lru_cache

_BETWEEN = re.compile(r"[\s_-]+")


def plain(name: str) -> str:
    """A name without what does not tell it from another: case, underscores, dashes."""
    return _BETWEEN.sub(" ", name).strip().casefold()


def named_by(label: str, names: tuple[str, ...]) -> tuple[int, ...]:
    """The classes that a label names, ascending; () for none.

    Case, underscores and dashes do not count. The names of ImageNet's classes are lists of
    synonyms ("tench, Tinca tinca"): each of them, or the whole list, will do. A name that several
    classes share, "crane" say, names all of them.
    """
    return _by_name(names).get(plain(label), ())


@lru_cache(maxsize=4)
def _by_name(names: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for output, name in enumerate(names):
        for each in {plain(name), *map(plain, name.split(","))} - {""}:
            found[each] = (*found.get(each, ()), output)
    return found
