"""What a user may set of the maps and neighbours of images.

Flow: atlas.toml -> **settings** -> compute.
"""

from __future__ import annotations

from pydantic import Field

from lamella.analyses.panel import Settings


class Options(Settings):
    """`[panels.image_embeddings]`."""

    layer: str = Field(
        "",
        description="Whose activations, averaged over positions, are an image's features; without "
        "it what the last layer reads.",
    )
    queries: int = Field(16, ge=0, le=500, description="Images whose nearest neighbours are shown.")
    nearest: int = Field(8, ge=1, le=24, description="Neighbours of each.")
    neighbours: int = Field(15, ge=2, description="UMAP's n_neighbors.")
    spread: float = Field(0.1, ge=0, le=0.99, description="UMAP's min_dist.")
    perplexity: float = Field(30.0, gt=1, description="t-SNE's perplexity.")
    exact: int = Field(
        20_000, ge=1, description="Up to so many images neighbours are exact; of more, approximate."
    )
    mapped: int = Field(
        20_000, ge=1, description="Images that are laid out at most; of more, a random sample."
    )
    shown: int = Field(
        2_500, ge=1, description="Images in a map or grid at most; of more, a random sample."
    )
    thumbnail: int = Field(96, ge=32, le=224, description="Side of a thumbnail in pixels.")
    quality: int = Field(80, ge=1, le=100, description="Quality of the WebP pictures.")
