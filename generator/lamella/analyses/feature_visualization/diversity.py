"""Several pictures of a unit whose photographs are of several kinds: made to differ.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007, section
"Diversity". One picture of a unit that answers to two things shows one of them, or a mixture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from lamella.analyses.facets.stored import clearly_several
from lamella.analyses.feature_visualization.compute import Ascents, recipes_of
from lamella.analyses.panel import Panel
from lamella.figures import Figure, Gallery, Picture, Tile, short
from lamella.figures.encoding import encode
from lamella.figures.published import unit_picture
from lamella.network.units import Layer, Unit
from lamella.store.facts import LayerFacts
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.feature_visualization.diverse_batch import Group
    from lamella.analyses.job import Job


class Options(Ascents):
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


class Diversity(Panel):
    """Four pictures on one sheet, for the units that need them: what `facets` found decides."""

    name = "diversity"
    title = "Diversity"
    about = (
        "Made together by gradient ascent, each to excite the unit, and all to differ: what they "
        "share is what the unit asks for, what differs is what it admits."
    )
    version = 4
    needs = ("survey", "facets")
    uses_images = True
    uses_seed = True
    slow = True
    settings = Options

    def compute_layers(
        self, job: Job, todo: Sequence[tuple[Layer, Sequence[int]]]
    ) -> Iterator[tuple[Layer, Shard]]:
        from lamella.analyses.feature_visualization.diverse_batch import various
        from lamella.engines.local import places
        from lamella.engines.memory import MOST

        options: Options = job.settings
        layers = {layer.name: layer for layer, _ in todo}
        facets = {layer.name: job.atlas.layer(layer).of("facets") for layer, _ in todo}
        # A unit whose facets are still to be found is left to do.
        todo = [
            (layer, [channel for channel in channels if facets[layer.name].present[channel]])
            for layer, channels in todo
        ]
        apart = {
            name: clearly_several(own["group"], own["silhouette"])
            for name, own in facets.items()
            if own.present.any()
        }
        todo = [(layer, channels) for layer, channels in todo if channels]
        wanted = {
            layer.name: [c for c in channels if options.units == "all" or apart[layer.name][c]]
            for layer, channels in todo
        }
        for layer, channels in todo:  # the others are done at once: they need no more pictures
            rest = sorted(set(channels) - set(wanted[layer.name]))
            if rest:
                yield layer, Shard(tuple(rest), numbers={"split": np.zeros(len(rest), np.uint8)})
                job.tick(len(rest))
        some = [layer for layer, _ in todo if wanted[layer.name]]
        recipes = recipes_of(job, some, steps=options.steps)
        batch = MOST["cuda" if job.model.device.type == "cuda" else "cpu"]
        for group in various(
            places(job.model),
            recipes,
            dict.fromkeys(recipes, batch),
            [(name, channels) for name, channels in wanted.items() if channels],
            number=options.pictures,
            weight=options.weight,
            seed=job.seed,
        ):
            flags = apart[group.layer][list(group.channels)].astype(np.uint8)
            yield layers[group.layer], shard_of(group, flags, options)
            job.tick(len(group.channels))

    def view(self, facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
        unit = Unit(facts.layer.name, channel)
        sheet = unit_picture(facts, self.name, "diversity", channel, "")
        if sheet is None:
            return ()
        own = facts.of(self.name)
        cells = own.sheets["diversity"]
        tiles = tuple(
            Tile(
                Picture(
                    sheet.src,
                    f"Picture {at + 1} of {cells.columns}, made for {unit}",
                    cells.width,
                    cells.height,
                    cell=at,
                    columns=cells.columns,
                ),
                short(own["activation"][channel, at]),
            )
            for at in range(cells.columns)
        )
        note = SEVERAL_KINDS if own["split"][channel] else ""
        return (Gallery("", tiles, note=note, size="medium"),)


SEVERAL_KINDS = (
    "The photographs that excite this unit most are clearly of several kinds: its facets."
)


def shard_of(group: Group, split: np.ndarray, options: Options) -> Shard:
    """The pictures of some units, one sheet per unit, side by side."""
    units, number = len(group.channels), group.number
    if group.batch is None:
        return Shard(group.channels, numbers={"split": split})
    images = group.batch.made.images[: units * number]
    size = images.shape[-1]
    pixels = (images.permute(0, 2, 3, 1) * 255).round().byte().numpy()
    rows = pixels.reshape(units, number, size, size, 3).transpose(0, 2, 1, 3, 4)
    sheets = [
        Image.fromarray(row.reshape(size, number * size, 3)) for row in np.ascontiguousarray(rows)
    ]
    activation = group.batch.measured.activation[: units * number].view(units, number).numpy()
    return Shard(
        group.channels,
        numbers={"split": split, "activation": activation.astype(np.float32)},
        pictures={
            "diversity": [
                b"" if channel in group.failed else encode(sheet, options.quality)
                for channel, sheet in zip(group.channels, sheets, strict=True)
            ]
        },
        sheets={"diversity": Sheet(size, size, number, 1)},
        made={"pictures": number, "weight": options.weight, "steps": options.steps, "size": size},
    )
