"""What each unit looks for: an image that excites it, found by gradient ascent.

Source: Olah, Mordvintsev and Schubert, "Feature Visualization", Distill 2017,
doi:10.23915/distill.00007. The engine is `lamella.optvis`; this file prepares a layer for it, and
measures what came out on the clean picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL import Image
from pydantic import Field

from lamella.facts import THUMBNAIL, LayerFacts
from lamella.figures import Figure, Gallery, Tile
from lamella.panels.base import Panel, Settings
from lamella.panels.encoding import encode
from lamella.store import Shard, Sheet
from lamella.units import Layer, Unit

if TYPE_CHECKING:
    from lamella.job import Job
    from lamella.model import Model


class Options(Settings):
    """`[panels.feature_visualization]`."""

    steps: int = Field(64, ge=1, description="Steps of ascent: 64 is a preview, 512 usual.")
    batch: int | None = Field(
        None,
        ge=1,
        description="Units per batch; without it 16, on a GPU 128. Pictures are the same bytes for "
        "equal batches only.",
    )
    size: int | None = Field(
        None, ge=16, description="Side of a picture in pixels; without it, by receptive field."
    )
    quality: int = Field(90, ge=1, le=100, description="Quality of the WebP pictures.")


def seed_of(seed: int, unit: Unit) -> int:
    """A unit's own seed: the same whatever else is computed, and in whatever order."""
    digest = hashlib.sha256(f"{seed}/{unit}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def picture_side(model: Model, layer: Layer) -> int:
    """Side of a layer's pictures, in pixels: by receptive field where the network allows it.

    A network with a linear layer behind a flattened map, or with learned positions, runs at its own
    size alone.
    """
    import torch

    from lamella.activations import cut
    from lamella.optvis import fitted_size

    native = min(model.facts.size)
    side = fitted_size(layer.field.size if layer.field else None, native=native)
    image = torch.zeros(1, 3, side, side, device=model.device)
    try:
        with torch.no_grad():
            cut(model.module, model.traced[layer.name].observed)(model.normalise(image))
    except Exception:  # the user's own code may raise anything
        return native
    return side


class FeatureVisualization(Panel):
    """One picture per unit, its thumbnail, and how strongly the unit answers to it."""

    name: ClassVar[str] = "feature_visualization"
    title: ClassVar[str] = "Feature visualization"
    about: ClassVar[str] = (
        "An image made by gradient ascent to excite this unit. Compare it with the photographs: "
        "they show what the unit answers to in practice."
    )
    uses_seed: ClassVar[bool] = True
    slow: ClassVar[bool] = True
    settings: ClassVar[type[Settings]] = Options

    def compute(self, job: Job, layer: Layer, channels: Sequence[int]) -> Iterator[Shard]:
        import torch

        from lamella.activations import cut
        from lamella.errors import LamellaError
        from lamella.optvis import Channel, ascend
        from lamella.optvis import Settings as Ascent

        options: Options = job.settings
        model, traced = job.model, job.model.traced[layer.name]
        target, observed = (cut(model.module, at) for at in (traced.target, traced.observed))
        size = options.size or picture_side(model, layer)
        field = layer.field.size if layer.field else None
        settings = Ascent(steps=options.steps).for_field(field)
        batch = options.batch or (128 if model.device.type == "cuda" else 16)
        for first in range(0, len(channels), batch):
            run = tuple(channels[first : first + batch])
            # Always the same batch size: a picture must not depend on how many were left to do.
            padded = run + run[-1:] * (batch - len(run))
            try:
                made = ascend(
                    lambda images: target(model.normalise(images)),
                    Channel(torch.tensor(padded), leak=0.1 if layer.activation else 1.0),
                    size=size,
                    seeds=[seed_of(job.seed, Unit(layer.name, channel)) for channel in padded],
                    settings=settings,
                    device=model.device,
                )
            except ValueError as error:
                raise LamellaError(
                    f"Layer {layer.name!r} cannot be visualized: {error}",
                    "Set [panels.feature_visualization] size, or leave the layer out with "
                    f'[analysis] layers = ["*", "!{layer.name}"].',
                ) from error
            with torch.inference_mode():
                shown = observed(model.normalise(made.images)).flatten(2)
            own = shown[torch.arange(batch, device=shown.device), torch.tensor(padded)]
            pixels = (made.images.permute(0, 2, 3, 1) * 255).round().byte().cpu().numpy()
            pictures = [Image.fromarray(one) for one in pixels[: len(run)]]
            thumbs = [picture.resize((THUMBNAIL, THUMBNAIL)) for picture in pictures]
            yield Shard(
                run,
                numbers={
                    "activation": own.amax(1)[: len(run)].float().cpu().numpy(),
                    "mean": own.mean(1)[: len(run)].float().cpu().numpy(),
                    "dead": made.dead[: len(run)].cpu().numpy().astype(np.uint8),
                    "kept_step": made.step[: len(run)].int().cpu().numpy(),
                    "curve": made.curve[: len(run)].float().cpu().numpy(),
                },
                pictures={
                    "picture": [encode(picture, options.quality) for picture in pictures],
                    "thumb": [encode(thumb, options.quality) for thumb in thumbs],
                },
                sheets={"picture": Sheet(size, size), "thumb": Sheet(THUMBNAIL, THUMBNAIL)},
                made={
                    "steps": options.steps,
                    "learning rate": round(settings.learning_rate, 4),
                    "size": size,
                    "seed": job.seed,
                    "batch": batch,
                    "threads": torch.get_num_threads(),
                    "torch": torch.__version__,
                    "device": model.device.type,
                },
            )
            job.tick(len(run))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        unit = Unit(facts.layer.name, channel)
        picture = facts.picture(self.name, "picture", channel, f"Feature visualization of {unit}")
        if picture is None:
            return ()
        own = facts.of(self.name)
        activation = float(own["activation"][channel])
        told = f"activation {activation:.4g}"
        maximum = facts.maximum(channel)
        if maximum is not None and maximum > 0:
            told += f", {activation / maximum:.1f} times the photographs' maximum"
        note = SILENT if facts.silent(channel) else ""
        if own["dead"][channel]:
            note = "Dead: nothing in an image changes this unit; the picture is its random start."
        return (Gallery("", (Tile(picture, told),), note=note, size="large"),)


SILENT = "No photograph of the set excites this unit; only a picture made for it can."
