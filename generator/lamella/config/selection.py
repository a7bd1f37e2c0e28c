"""Choosing by name: layers and analyses by glob, channels by range.

Flow: config, command line -> **selection** -> pipeline, commands.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType

from lamella.errors import ConfigError, UnknownLayer, did_you_mean


def chosen(
    patterns: Sequence[str],
    names: Sequence[str],
    what: str,
    where: str,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """The names that match, in their own order; a pattern with a leading ! takes names away.

    Args:
        what: "layer" or "panel", for the error.
        where: what the patterns were given to, for the error: a file or an option.
        renamed: the name of today for each one of earlier versions, for the error.
    Raises:
        UnknownLayer: a pattern matches nothing, or nothing is left.
    """
    kept: set[str] = set(names) if patterns and patterns[0].startswith("!") else set()
    for pattern in patterns:
        away = pattern.startswith("!")
        glob = pattern.removeprefix("!")
        found = {name for name in names if name == glob or fnmatchcase(name, glob)}
        if not found and glob in renamed:
            raise UnknownLayer(*now_called(where, what, glob, renamed[glob]))
        if not found:
            shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
            raise UnknownLayer(
                f"{where}: there is no {what} {glob!r}.",
                did_you_mean(glob, names, otherwise=f"Known: {shown}."),
            )
        kept = kept - found if away else kept | found
    if not kept:
        raise UnknownLayer(f"{where}: {list(patterns)} leaves no {what}.", 'Write "*" for all.')
    return [name for name in names if name in kept]


def now_called(where: str, what: str, old: str, new: str) -> tuple[str, str]:
    """Problem and remedy where a name of an earlier version is used."""
    return f"{where}: the {what} {old!r} is called {new!r} now.", f"Write {new!r} in its place."


def channel_numbers(text: str) -> list[int]:
    """Channel numbers written as `3,7,16-31`.

    Raises:
        ConfigError: it is written another way.
    """
    numbers: set[int] = set()
    for part in text.split(","):
        written = re.fullmatch(r"(\d{1,7})(?:-(\d{1,7}))?", part.strip(), re.ASCII)
        first, last = (int(written[1]), int(written[2] or written[1])) if written else (1, 0)
        if last < first:
            raise ConfigError(f"{text!r} names no channels.", "Write them as 3,7,16-31.")
        numbers.update(range(first, last + 1))
    return sorted(numbers)
