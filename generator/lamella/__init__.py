"""Lamella slices a trained vision network into its units and lays each under glass."""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamella.exports.opened import Atlas

__version__ = "0.1.0"


def open(path: str | PathLike[str]) -> "Atlas":
    """A rendered atlas: its units, their pictures and numbers.

    Args:
        path: the folder of the site, or the atlas.toml that says where it lies.
    Raises:
        LamellaError: there is no atlas there.
    """
    from lamella.exports.opened import opened

    return opened(path)
