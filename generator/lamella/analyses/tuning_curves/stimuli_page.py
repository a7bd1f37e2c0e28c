"""The page of the stimuli: what was shown.

Flow: stimulus_rows + stored -> **stimuli_page** -> site. Imports no torch.
"""

from __future__ import annotations

from lamella.analyses.tuning_curves.families import families
from lamella.analyses.tuning_curves.stimulus_rows import places, rows
from lamella.analyses.tuning_curves.stored import PICTURE, SLUG, STIMULI
from lamella.analyses.tuning_curves.text import FAMILIES, count
from lamella.figures import Gallery, Tile
from lamella.figures.article import Article, Part
from lamella.figures.published import network_picture
from lamella.store.facts import Atlas


def article(atlas: Atlas) -> Article:
    """All families, a gallery for each row of pictures."""
    by_name = families(atlas.network.size)
    galleries: dict[str, list[Gallery]] = {}
    entry = 0
    for row in rows(by_name):
        axis = by_name[row.family].axes[row.along]
        tiles = []
        for place in range(places(by_name, row)):
            alt = f"{FAMILIES[row.family][0]}, {row.title or axis.name}: {axis.said(place)}"
            picture = network_picture(atlas, STIMULI, PICTURE, entry, alt)
            entry += 1
            if picture is not None:
                tiles.append(Tile(picture, axis.said(place)))
        if tiles:
            note = "The middle half of each image." if row.half else ""
            gallery = Gallery(row.title, tuple(tiles), note=note, size="plates")
            galleries.setdefault(row.family, []).append(gallery)
    parts = tuple(
        Part(FAMILIES[name][0], (f"{FAMILIES[name][1]} {count(by_name[name])}",), tuple(shown))
        for name, shown in galleries.items()
    )
    total = sum(family.count for family in by_name.values())
    height, width = atlas.network.size
    lead = (
        f"The {total} generated pictures of {width} × {height} pixels that all tuning curves "
        "of this atlas are measured with: gratings, curves, hues, greys and discs."
    )
    line = "Gratings, curves, hues, greys and discs, which tuning is measured with."
    return Article(SLUG, "The stimuli of the tuning curves", lead, parts, line=line)
