"""What a user may set of activation atlases.

Flow: atlas.toml -> **settings** -> compute.
"""

from __future__ import annotations

from pydantic import Field

from lamella.analyses.panel import Settings


class Options(Settings):
    """`[panels.activation_atlas]`."""

    layers: list[str] = Field(
        [],
        description="An atlas of each of these layers; `a+b` for one of two that stand side by "
        "side. Without any, one of the deepest place that has positions.",
    )
    vectors: int = Field(
        20_000, ge=1, description="Activation vectors that are sampled, at most; memory grows so."
    )
    grid: int = Field(6, ge=1, le=64, description="Cells along one side of the coarsest grid.")
    levels: int = Field(3, ge=1, le=5, description="Grids, each twice as fine as the one before.")
    fewest: int = Field(5, ge=1, description="Vectors that a cell must hold to have a picture.")
    steps: int = Field(64, ge=1, description="Steps of ascent for a cell's picture.")
    size: int | None = Field(
        None,
        ge=16,
        le=512,
        description="Side of a cell's picture in pixels; without it 80, or what the network runs "
        "at.",
    )
    quality: int = Field(82, ge=1, le=100, description="Quality of the WebP tiles.")

    @property
    def sides(self) -> tuple[int, ...]:
        """Cells along one side of each grid, the coarsest first."""
        return tuple(self.grid << level for level in range(self.levels))
