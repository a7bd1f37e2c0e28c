"""The page of one concept: the units that detect it, and what they mark.

Flow: stored -> **concept_page** -> articles. Imports no torch.
"""

from collections.abc import Sequence
from dataclasses import replace

from lamella.analyses.dissection.concepts import COLOUR
from lamella.analyses.dissection.stored import DissectionRecord, LayerDetectors, UnitDissection
from lamella.analyses.dissection.tables import Ranked, overview_link, ranked
from lamella.figures import Cell, Figure, Gallery, Picture, Table, Tile
from lamella.figures.article import Article, Part
from lamella.figures.published import thumbnail, unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas

THUMBNAILS = 30  # detectors of a concept in a layer that are shown
CLOSE = 8  # of them whose scenes are shown
NEAREST = 12  # units that a concept without detectors names
NEAR = "Units that have it among their five best concepts, with its IoU"


def concept_article(
    atlas: Atlas, record: DissectionRecord, layers: Sequence[LayerDetectors], at: int
) -> Article:
    """The page of one concept."""
    concept = record.concepts[at]
    units = ranked(layers, at)
    images = record.images[at]
    theirs = sum(int((f.random == at).sum()) for f in layers if f.random is not None)
    facts: list[tuple[str | Cell, ...]] = [
        (f"Images that show it, of {record.scenes[0]} for choosing", str(images[0])),
        (f"Images that show it, of {record.scenes[1]} for measuring", str(images[1])),
        ("Units that detect it", f"{len(units):,}"),
    ]
    if record.plain["baseline"]:
        facts.append(("with random weights", f"{theirs:,}"))
    rows = (*facts, ("How this is told", overview_link(atlas)))
    parts = [Part("", (), (Table("", rows),))]
    if units:
        parts.append(
            Part(
                "Units that detect it",
                (
                    "By layer, the last one first; within a layer the highest IoU first, measured "
                    "on images that had no part in the choice.",
                ),
                tuple(_units(atlas, each, at) for each in reversed(layers) if each.detectors(at)),
            )
        )
        closer = tuple(figure for pair in units[:CLOSE] for figure in _scenes(atlas, *pair))
        outlined = "" if concept.kind == COLOUR else f" A yellow line runs around {concept.name}."
        explained = (
            "The images of the set for measuring that excite each unit most, whatever they show. "
            f"What lies below the unit’s threshold is dark.{outlined}"
        )
        if closer:
            parts.append(Part("What they mark", (explained,), closer))
    else:
        near = sorted((pair for f in layers for pair in f.nearest(at)), key=lambda pair: -pair[1])
        none = f"No unit reaches an IoU of {record.plain['iou']:g} with it as its best concept."
        tiles = _tiles(atlas, near[:NEAREST])
        shown = (Gallery(NEAR, tiles, size="small"),) if tiles else ()
        parts.append(Part("No detector", (none,), shown))
    lead = f"A {concept.kind}. " if concept.kind == COLOUR else f"Kind: {concept.kind}. "
    if units:
        many = f"{len(units):,} units detect" if len(units) > 1 else "One unit detects"
        lead += f"{many} it; the best, {units[0][0]}, with an IoU of {units[0][1]:.2f}."
    else:
        lead += "No unit detects it."
    return Article(record.slugs[at], f"Concept: {concept.name}", lead, tuple(parts), listed=False)


def _units(atlas: Atlas, layer: LayerDetectors, concept: int) -> Gallery:
    """The detectors of a concept in one layer."""
    units = sorted(layer.detectors(concept), key=lambda pair: -pair[1])
    tiles = tuple(
        Tile(thumbnail(atlas, unit), f":{unit.channel}", f"{iou:.3f}", link=unit_page(atlas, unit))
        for unit, iou in units[:THUMBNAILS]
    )
    few = len(units) > THUMBNAILS
    note = f"The {THUMBNAILS} best of {len(units):,}." if few else ""
    return Gallery(f"{layer.layer.name}: {len(units):,}", tiles, note, "small")


def _tiles(atlas: Atlas, units: Ranked) -> tuple[Tile, ...]:
    return tuple(
        Tile(thumbnail(atlas, unit), str(unit), f"{iou:.3f}", link=unit_page(atlas, unit))
        for unit, iou in units
    )


def _scenes(atlas: Atlas, unit: Unit, iou: float) -> tuple[Figure, ...]:
    """A unit's strongest scenes; () where they are not published."""
    facts = atlas.layer(next(each for each in atlas.network.layers if each.name == unit.layer))
    found = UnitDissection.of(facts, unit.channel)
    if found is None or found.sheet is None:
        return ()
    title = f"{unit}, IoU {iou:.3f}"
    return (scenes_of(found.sheet, found.columns, unit, title, unit_page(atlas, unit)),)


def scenes_of(sheet: Picture, columns: int, unit: Unit, title: str, link: str = "") -> Gallery:
    """The cells of a unit's sheet as a gallery."""
    tiles = tuple(
        Tile(
            replace(
                sheet,
                alt=f"Scene {place + 1} of {unit}: what it marks is light",
                cell=place,
                columns=columns,
            ),
            "",
            link=link,
        )
        for place in range(columns)
    )
    return Gallery(title, tiles, size="medium")
