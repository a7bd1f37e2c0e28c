"""What `atlas.toml` may set of the pictures made of units.

Flow: atlas.toml -> **settings** -> compute, diversity.
"""

from typing import Literal

from pydantic import Field

from lamella.analyses.panel import Settings


class AscentOptions(Settings):
    """How many steps a picture takes, and how it is encoded."""

    steps: int = Field(64, ge=1, description="Steps of ascent: 64 is a preview, 512 usual.")
    quality: int = Field(90, ge=1, le=100, description="Quality of the WebP pictures.")


class Options(AscentOptions):
    """`[panels.feature_visualization]` and `[panels.minimizing]`."""

    batch: int | None = Field(
        None,
        ge=1,
        description="Units per batch; without it what fits into memory, at most 16, on a GPU 256. "
        "Pictures are the same bytes for equal batches only.",
    )
    memory: float | None = Field(
        None,
        gt=0,
        description="Gigabytes that the pictures may take; without it half of the machine's "
        "memory, on a GPU four fifths of its own.",
    )
    size: int | None = Field(
        None, ge=16, description="Side of a picture in pixels; without it, by receptive field."
    )


class DiversityOptions(AscentOptions):
    """`[panels.diversity]`."""

    units: Literal["split", "all"] = Field(
        "split",
        description="Of which units: those whose strongest photographs are clearly of several "
        "kinds, or all.",
    )
    pictures: int = Field(4, ge=2, le=8, description="Pictures per unit.")
    weight: float = Field(
        0.5, gt=0, description="Of the variety, against the unit's own activation."
    )
