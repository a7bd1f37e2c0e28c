"""What a user may set of the objectives page.

Flow: atlas.toml -> **settings** -> choice, compute.
"""

from __future__ import annotations

from pydantic import Field, create_model

from lamella.analyses.panel import Settings


class PlainOptions(Settings):
    """`[panels.objectives]`, but for `class`, which is no name in Python."""

    unit: str | None = Field(
        None, description='The unit of the page, "layer:channel"; without it a telling one.'
    )
    second: str | None = Field(
        None, description="Another unit of its layer; without it one of another kind."
    )
    image: str | None = Field(
        None,
        description="The photograph to begin from: its path in the folder, or its id; without it "
        "the one that excites the unit most.",
    )
    steps: int = Field(128, ge=8, description="Steps of an ascent.")
    size: int | None = Field(
        None,
        ge=16,
        description="Side of a picture in pixels; without it 128, or what the network runs at.",
    )
    quality: int = Field(90, ge=1, le=100, description="Quality of the WebP pictures.")


_CLASS = Field(
    None,
    description="A class by name or number; without it the one that the network sees in most of "
    "the unit's strongest photographs.",
)
Options: type[PlainOptions] = create_model(
    "Options",
    __base__=PlainOptions,
    **{"class": (str | int | None, _CLASS)},  # type: ignore[call-overload]
)
