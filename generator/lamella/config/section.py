"""What the tables of atlas.toml are made of.

Flow: **section** -> preprocessing, config.
"""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0)]
# Types are strict, since nothing is guessed; but TOML's arrays are Python's lists.
Array = Field(strict=False)
Names = Annotated[tuple[str, ...], Array]


def _written(day: Any) -> Any:
    """TOML has days and numbers of its own; as text they are alike."""
    return str(day) if isinstance(day, date | int) else day


def _day(text: str) -> str:
    try:
        if not re.fullmatch(r"(\d{4}(-\d\d-\d\d)?)?", text, re.ASCII):
            raise ValueError
        if len(text) > 4:
            date.fromisoformat(text)
    except ValueError:
        raise ValueError("It should be a day or a year: 2026-11-21, or 2026") from None
    return text


Day = Annotated[str, BeforeValidator(_written), AfterValidator(_day)]


class Section(BaseModel):
    """A table of atlas.toml: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
