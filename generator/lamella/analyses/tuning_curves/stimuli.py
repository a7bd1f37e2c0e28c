"""The stimuli of the tuning curves as pictures, on a page of their own: what was shown.

One picture per place on an axis, not one per stimulus: the page has some eighty of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lamella.analyses.panel import Panel
from lamella.analyses.tuning_curves.families import families
from lamella.analyses.tuning_curves.family import Family, Size
from lamella.figures import Gallery, Tile
from lamella.figures.article import Article, Part
from lamella.figures.encoding import lossless
from lamella.figures.published import network_picture
from lamella.store.facts import Atlas
from lamella.store.store import Shard, Sheet

if TYPE_CHECKING:
    from lamella.analyses.job import Job

SLUG = "stimuli"
PICTURE = "stimulus"
WORDS = {
    "gratings": (
        "Gratings",
        "Stripes from black to white over the whole image; their brightness is a sinusoid in the "
        "image's own sRGB numbers. Every period is shown in every orientation, each in four "
        "phases a quarter of a period apart; a unit's response is the largest of the four. "
        "Orientation is that of the stripes, counterclockwise from level.",
    ),
    "curves": (
        "Curves",
        "A third of a circle on mid-grey; its middle lies in the middle of the image, so that "
        "only its bend and direction change. The orientation is where it bulges: 0° to the right, "
        "90° up. The straight line at the end tells units for lines from units for curves. An "
        "edge is bright on one side and dark on the other, and fades into the ground away from "
        "it; its inside is where the circle's middle lies.",
    ),
    "hues": (
        "Hues",
        "One colour over the whole image. Red, green and blue always add up to what they are in "
        "mid-grey: a unit that only weighs brightness, the three alike, answers to all hues the "
        "same. The angle is the usual one: 0° red, 120° green, 240° blue.",
    ),
    "greys": (
        "Greys",
        "Black, white and three greys over the whole image. Mid-grey is the ground "
        "of all other stimuli, and what they are compared with.",
    ),
    "discs": (
        "Discs",
        "A disc in the middle of the image, on mid-grey: white, black, or one of six hues. Where "
        "a larger disc excites a unit less than a smaller one, a surround holds the unit back.",
    ),
}


@dataclass(frozen=True, slots=True)
class _Shown:
    """A row of pictures: one family along one axis, at a fixed place on the others."""

    family: str
    title: str
    along: int
    at: tuple[int, ...]
    half: bool = False  # only the middle half, so that fine stripes can be seen


def _rows(known: dict[str, Family]) -> tuple[_Shown, ...]:
    gratings, curves, discs = (known[name].shape for name in ("gratings", "curves", "discs"))
    period, radius, large = gratings[0] // 2, (curves[1] - 1) // 2, discs[1] * 2 // 3
    return (
        _Shown("gratings", "Periods, at 45°", 0, (0, 3), half=True),
        _Shown(
            "gratings",
            f"Orientations, {_fixed(known, 'gratings', 0, period)}",
            1,
            (period, 0),
            half=True,
        ),
        _Shown("curves", "Radii, bulging up", 1, (0, 0, 4)),
        _Shown(
            "curves",
            f"Orientations, {_fixed(known, 'curves', 1, radius)}",
            2,
            (0, radius, 0),
            half=True,
        ),
        _Shown(
            "curves", f"Kinds, {_fixed(known, 'curves', 1, radius)}", 0, (0, radius, 2), half=True
        ),
        _Shown("hues", "", 0, (0,)),
        _Shown("greys", "", 0, (0,)),
        _Shown("discs", "Radii", 1, (0, 0)),
        _Shown("discs", f"Colours, {_fixed(known, 'discs', 1, large)}", 0, (0, large)),
    )


def _fixed(known: dict[str, Family], family: str, axis: int, at: int) -> str:
    found = known[family].axes[axis]
    return f"{found.name} {found.said(at)}"


class Stimuli(Panel):
    """Pictures of the stimuli: a shard's `channels` number them row after row."""

    name = "stimuli"
    title = "Stimuli"
    about = "The generated pictures that tuning curves are measured with."
    per = "network"
    entries = "pictures"

    def wanted(self, job: Job) -> list[int]:
        known = families(job.model.facts.size)
        return list(range(sum(known[row.family].shape[row.along] for row in _rows(known))))

    def compute_network(self, job: Job, missing: list[int]) -> Iterator[Shard]:
        size = job.model.facts.size
        numbered = enumerate(_drawn(families(size), size))
        drawn = {at: lossless(picture) for at, picture in numbered if at in set(missing)}
        # Rows differ in the size of their pictures: a shard for each size.
        for half in (True, False):
            extent = _extent(size, half)
            run = [at for at, row in enumerate(_of_each(families(size))) if row.half == half]
            run = [at for at in run if at in drawn]
            if run:
                yield Shard(
                    tuple(run),
                    pictures={PICTURE: [drawn[at] for at in run]},
                    sheets={PICTURE: Sheet(extent[1], extent[0])},
                )
                job.tick(len(run))

    def articles(self, atlas: Atlas) -> tuple[Article, ...]:
        known = families(atlas.network.size)
        parts: dict[str, list[Gallery]] = {}
        entry = 0
        for row in _rows(known):
            axis = known[row.family].axes[row.along]
            tiles = []
            for place in range(len(axis.values)):
                alt = f"{WORDS[row.family][0]}, {row.title or axis.name}: {axis.said(place)}"
                picture = network_picture(atlas, self.name, PICTURE, entry, alt)
                entry += 1
                if picture is not None:
                    tiles.append(Tile(picture, axis.said(place)))
            if tiles:
                note = "The middle half of each image." if row.half else ""
                gallery = Gallery(row.title, tuple(tiles), note=note, size="plates")
                parts.setdefault(row.family, []).append(gallery)
        told = tuple(
            Part(
                WORDS[name][0],
                (f"{WORDS[name][1]} {_count(known[name])}",),
                tuple(galleries),
            )
            for name, galleries in parts.items()
        )
        total = sum(family.count for family in known.values())
        height, width = atlas.network.size
        lead = (
            f"The {total} generated pictures of {width} × {height} pixels that all tuning curves "
            "of this atlas are measured with: gratings, curves, hues, greys and discs."
        )
        return (Article(SLUG, "The stimuli of the tuning curves", lead, told),)


def _count(family: Family) -> str:
    """How many stimuli a family has, and why."""
    if len(family.axes) == 1:
        return f"{family.count} stimuli."
    each = " × ".join(f"{len(axis.values)} {PLURALS[axis.name]}" for axis in family.axes)
    return f"{each}: {family.count} stimuli."


PLURALS = {
    "period": "periods",
    "orientation": "orientations",
    "phase": "phases",
    "kind": "kinds",
    "radius": "radii",
    "colour": "colours",
}


def _of_each(known: dict[str, Family]) -> Iterator[_Shown]:
    """The row of each picture."""
    for row in _rows(known):
        for _ in known[row.family].axes[row.along].values:
            yield row


def _extent(size: Size, half: bool) -> Size:
    return (size[0] - size[0] // 4 * 2, size[1] - size[1] // 4 * 2) if half else size


def _drawn(known: dict[str, Family], size: Size) -> Iterator[Image.Image]:
    """All pictures, in order."""
    for row in _rows(known):
        for place in range(len(known[row.family].axes[row.along].values)):
            at = (*row.at[: row.along], place, *row.at[row.along + 1 :])
            shown = known[row.family].image(*at)
            if row.half:
                top, left = size[0] // 4, size[1] // 4
                shown = shown[:, top : size[0] - top, left : size[1] - left]
            yield Image.fromarray((shown.transpose(1, 2, 0) * 255).round().astype(np.uint8))
