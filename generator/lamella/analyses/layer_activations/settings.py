"""What a user may set of the pages of layer activations.

Flow: atlas.toml -> **settings** -> choice, compute.
"""

from __future__ import annotations

from pydantic import Field

from lamella.analyses.panel import Settings


class Options(Settings):
    """`[panels.layer_activations]`."""

    images: list[str] | None = Field(
        None,
        description="Photographs by their path in the folder or their id; without it three that "
        "the network is sure of, with different answers.",
    )
    side: int = Field(
        112, ge=8, le=512, description="Longest side of a map in pixels; larger ones are reduced."
    )
    quality: int = Field(80, ge=1, le=100, description="Quality of the WebP photographs.")
