"""What `[panels.classes]` may set.

Flow: atlas.toml -> **settings** -> compute.
"""

from pydantic import Field

from lamella.analyses.panel import Settings
from lamella.analyses.predictions.stored import FIRST, KEPT


class Options(Settings):
    """`[panels.classes]`."""

    most: int = Field(
        1000,
        ge=0,
        description="At most so many classes have a page: those that are most often the first "
        "answer.",
    )
    examples: int = Field(
        KEPT, ge=1, le=KEPT, description="Photographs on the page of a class, with Grad-CAM."
    )
    averaged: int = Field(
        36,
        ge=1,
        le=FIRST,
        description="Photographs whose first answer the class is, at most, over which Grad-CAM "
        "and activations are averaged; those of which the network is surest.",
    )
    least: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Probability below which a photograph is not shown there, but for the first.",
    )
    side: int = Field(192, ge=32, le=512, description="Side of a photograph there, in pixels.")
    quality: int = Field(70, ge=1, le=100, description="Quality of the WebP photographs.")
