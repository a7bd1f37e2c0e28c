"""What the tables of atlas.toml are made of.

Flow: **section** -> preprocessing, config.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(allow_inf_nan=False, gt=0)]
# Types are strict, since nothing is guessed; but TOML's arrays are Python's lists.
Array = Field(strict=False)
Names = Annotated[tuple[str, ...], Array]


class Section(BaseModel):
    """A table of atlas.toml: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
