"""What the pages of a unit, of a layer and of the network show of the dissection.

Flow: stored -> tables -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from lamella.analyses.dissection import tables
from lamella.analyses.dissection.concept_page import scenes_of
from lamella.analyses.dissection.stored import (
    DissectionRecord,
    LayerDetectors,
    UnitDissection,
    dissected,
)
from lamella.analyses.dissection.text import NOTHING, WITHOUT
from lamella.figures import Cell, Figure, Gallery, Table, Tile, short
from lamella.figures.published import thumbnail, unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas, LayerFacts


def detected(facts: LayerFacts) -> Sequence[str]:
    """The concept that each unit of a layer detects, "" for none; () before that is known."""
    record, layer = DissectionRecord.of(facts.atlas), LayerDetectors.of(facts)
    if record is None or layer is None:
        return ()
    return [record.concepts[at].name if at >= 0 else "" for at in layer.trained.tolist()]


def unit_figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """The best concepts of a unit, and what it marks on its strongest scenes."""
    record, unit = DissectionRecord.of(facts.atlas), UnitDissection.of(facts, channel)
    if record is None or unit is None:
        return ()
    if not unit.live:
        return (Gallery("", (), note=WITHOUT),)
    if not unit.concepts:
        return (Gallery("", (), note=NOTHING),)
    rows = tuple(
        (
            Cell(str(record.concepts[at]), tables.concept_link(facts.atlas, record, at)),
            f"{unit.measured[place]:.3f}",
            f"{unit.chosen[place]:.3f}",
        )
        for place, at in enumerate(unit.concepts)
    )
    above = f"It lies above {short(unit.threshold)} at {unit.share:.2%} of the positions."
    limit = record.plain["iou"]
    if unit.detects is not None:
        concept, iou = record.concepts[unit.detects], unit.measured[0]
        note = f"A detector of {concept}: IoU {iou:.3f}, more than {limit:g}. {above}"
    else:
        best = record.concepts[unit.concepts[0]]
        note = f"No detector: the IoU with {best.name} is not above {limit:g}. {above}"
    table = Table("", rows, head=("Concept", "IoU", "where it was chosen"), note=note)
    if unit.sheet is None:
        return (table,)
    name = Unit(facts.layer.name, channel)
    title = "What it marks on its strongest scenes"
    return (table, scenes_of(unit.sheet, unit.columns, name, title))


def layer_figures(facts: LayerFacts) -> tuple[Figure, ...]:
    """Detectors of a layer by kind: their number, and the units by concept."""
    record, layer = DissectionRecord.of(facts.atlas), LayerDetectors.of(facts)
    if record is None or layer is None or not any(record.allowed):
        return ()
    atlas = facts.atlas
    figures: list[Figure] = [tables.numbers(record, [layer])]
    for kind in record.kinds:
        detectors = [
            (record.concepts[at].name, int(channel))
            for channel, at in enumerate(layer.trained.tolist())
            if at >= 0 and record.concepts[at].kind == kind
        ]
        tiles = tuple(
            Tile(
                thumbnail(atlas, Unit(facts.layer.name, channel)),
                name,
                f"{layer.iou[channel]:.2f}",
                link=unit_page(atlas, Unit(facts.layer.name, channel)),
            )
            for name, channel in sorted(
                detectors, key=lambda pair: (pair[0], -layer.iou[pair[1]], pair[1])
            )
        )
        if tiles:
            title = f"Detectors of the kind “{kind}”, by concept"
            figures.append(Gallery(title, tiles, size="small"))
    return tuple(figures)


def network_figures(atlas: Atlas) -> tuple[Figure, ...]:
    """Detectors along depth, and their numbers by kind."""
    record, layers = dissected(atlas)
    if record is None or not layers or not any(record.allowed):
        return ()
    table = tables.numbers(record, layers)
    rows = (*table.rows, ("More", tables.overview_link(atlas)))
    return (tables.chart(record, layers), Table("", rows, head=table.head, note=table.note))
