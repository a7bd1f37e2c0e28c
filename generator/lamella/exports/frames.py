"""Tables of units for pandas, which nothing else imports.

Flow: opened -> **frames**.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamella.errors import SiteError

if TYPE_CHECKING:
    import pandas as pd


def _pandas() -> Any:
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise SiteError(
            "Frames need pandas, which is not installed.",
            'Install it with: pip install "lamella[pandas]"',
        ) from error
    return pandas


def frame(columns: Mapping[str, Any], identifiers: Sequence[str]) -> pd.DataFrame:
    """Columns of numbers and words, a row for each unit."""
    return _pandas().DataFrame(dict(columns), index=identifiers).rename_axis("identifier")


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several frames; what one of them lacks is NaN."""
    return _pandas().concat(frames)
