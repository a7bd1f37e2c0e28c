"""What `[panels.attribution_maps]` may set.

Flow: atlas.toml -> **settings** -> choice, compute.
"""

from pydantic import Field

from lamella.analyses.panel import Settings


class Options(Settings):
    """`[panels.attribution_maps]`."""

    images: list[str] = Field(
        [], description="Photographs that have a page, by their path in the folder or their id."
    )
    examples: int = Field(
        1,
        ge=0,
        le=12,
        description="Besides them, so many photographs of each class that is a first answer: those "
        "that are most probably of it.",
    )
    most: int = Field(
        32,
        ge=0,
        description="At most so many of these, those of the classes of which it is surest first.",
    )
    explained: int = Field(3, ge=1, le=5, description="For how many of the first answers.")
    patch: int | None = Field(
        None,
        ge=1,
        description="Side of the mask of the occlusion maps, in pixels; without it three "
        "fourteenths of the image, 48 of 224.",
    )
    stride: int | None = Field(
        None,
        ge=1,
        description="By how many pixels that mask moves; without it a third of its side.",
    )
    steps: int = Field(24, ge=1, le=1000, description="Steps of integrated gradients.")
    layer: str = Field(
        "", description="The layer of Grad-CAM; without it the last one that has positions."
    )
    quality: int = Field(80, ge=1, le=100, description="Quality of the WebP photographs.")
