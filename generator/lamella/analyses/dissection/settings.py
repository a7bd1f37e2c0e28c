"""What `[panels.dissection]` in atlas.toml may set."""

from pydantic import Field

from lamella.analyses.panel import Settings


class Options(Settings):
    """`[panels.dissection]`."""

    scenes: str | None = Field(
        None,
        description="A folder of labelled scenes: choose/ and measure/ with images and masks/ "
        "each, and concepts.csv; without it the atlas' own photographs are searched for colours "
        "alone.",
    )
    side: int = Field(
        112, ge=8, le=1024, description="Side of the masks that maps are compared with, in pixels."
    )
    iou: float = Field(
        0.04, gt=0, lt=1, description="Intersection over union above which a unit is a detector."
    )
    least: int = Field(
        5, ge=1, description="Images of each half that must show a concept for it to take part."
    )
    baseline: bool = Field(
        True, description="Dissect the same architecture with random weights too, to compare."
    )
    quality: int = Field(60, ge=1, le=100, description="Quality of the WebP pictures.")
