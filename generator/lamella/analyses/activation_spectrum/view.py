"""What a unit's page shows of its spectrum: a row of photographs for each band, and a legend.

Flow: stored -> **view** -> site. Imports no torch.
"""

import math
from collections.abc import Sequence

from lamella.analyses.activation_spectrum.stored import (
    COLUMNS,
    Example,
    UnitSheet,
    examples,
    scale_of,
    unit_sheet,
)
from lamella.figures import Figure, Gallery, Picture, Tile, links, short
from lamella.store.facts import LayerFacts, PanelFacts
from lamella.survey.bins import BAND_SAMPLE, BANDS, PER_BAND

BETWEEN = tuple(
    f"{high:.0%} to {low:.0%}".replace("%", "th") + " percentile" for low, high in BANDS
)
TITLES = ("Strongest", *BETWEEN, "Weakest", "Most negative")
NOTHING = "The unit is zero everywhere on these photographs."


def figures(facts: LayerFacts, channel: int) -> tuple[Figure, ...]:
    """A gallery for each band that has photographs, and a last one that explains them."""
    sheet = None if facts.silent(channel) else unit_sheet(facts, channel)
    if sheet is None:
        return ()
    survey = facts.of("survey")
    tiles = _patches if sheet.above is None else _maps
    found: list[Figure] = []
    for band, shown in enumerate(examples(survey, facts.layer, channel, facts.photographs)):
        # A band of zeros says enough; the weakest row shows what such photographs are.
        if 1 <= band <= len(BANDS) and shown and not any(each.activation for each in shown):
            found.append(Gallery(TITLES[band], (), note=NOTHING, size="row"))
        elif row := tiles(facts, sheet, band, shown):
            found.append(Gallery(TITLES[band], row, size="row"))
    if not any(figure.tiles for figure in found if isinstance(figure, Gallery)):
        return ()
    sentences = [] if sheet.above is None else _legend(facts, survey, channel)
    if facts.photographs > BAND_SAMPLE:
        sentences.append(f"Percentiles are those of {BAND_SAMPLE} photographs, drawn at random.")
    if sentences:
        found.append(Gallery("", (), note=" ".join(sentences), size="row"))
    return tuple(found)


def _maps(
    facts: LayerFacts, sheet: UnitSheet, band: int, shown: Sequence[Example]
) -> tuple[Tile, ...]:
    """Each photograph twice: under its activation map, and darkened outside of the mask."""
    height, width = facts.network.size
    stored = sheet.picture

    def under(example: Example, alt: str, first: int) -> Picture:
        cell = band * COLUMNS + first + example.place
        over = Picture(stored.src, "", stored.width, stored.height, cell, COLUMNS, sheet.rows)
        src = links.photograph(facts.network.name, example.image)
        return Picture(src, alt, width, height, over=over)

    tiles = []
    for example in shown:
        at = band * PER_BAND + example.place
        if sheet.above is None or not sheet.known[at]:
            continue
        above = float(sheet.above[at])
        label = facts.manifest.photographs[example.image].label
        what = f"{label or 'Photograph'}, activation {short(example.activation)}"
        part = f"{above:.2%} of it lies above" if above else "nothing in it lies above"
        warm = under(example, f"{what}: where the unit answers", 0)
        masked = under(example, f"{what}: {part} the unit's threshold", PER_BAND)
        tiles.append(Tile(warm, _caption(example), label, beside=masked))
    return tuple(tiles)


def _patches(
    facts: LayerFacts, sheet: UnitSheet, band: int, shown: Sequence[Example]
) -> tuple[Tile, ...]:
    """The part of each photograph that the unit sees."""
    tiles = []
    for example in shown:
        cell = band * PER_BAND + example.place
        if not sheet.known[cell]:
            continue
        label = facts.manifest.photographs[example.image].label
        box = facts.layer.box(example.row, example.column, *facts.network.size)
        picture = Picture(
            sheet.picture.src,
            f"Patch of {label or 'a photograph'}, activation {short(example.activation)}",
            sheet.picture.width,
            sheet.picture.height,
            cell=cell,
            columns=PER_BAND,
            rows=sheet.rows,
            pixelated=box.width <= 32,
        )
        tiles.append(Tile(picture, _caption(example), label))
    return tuple(tiles)


def _caption(example: Example) -> str:
    """The activation, and the share of photographs that it is above, never rounded up."""
    if not example.share > 0:  # the very weakest, or not known
        return short(example.activation)
    share = math.floor(1000 * example.share + 1e-3) / 10
    return f"{short(example.activation)}, above {share:g}%"


def _legend(facts: LayerFacts, survey: PanelFacts, channel: int) -> list[str]:
    """What the colours and the mask of this unit mean."""
    scale = scale_of(survey, facts.layer, channel)
    threshold = float(survey["p995"][channel])
    signs = (
        f"violet to cyan from zero down to −{short(scale)}, pink to yellow "
        f"from zero up to {short(scale)}"
        if facts.layer.signed
        else f"clear at zero, pink to yellow up to {short(scale)}, the unit's largest on any "
        "photograph"
    )
    sentences = [
        f"Left: the activation map over the photograph, whose colours are subdued: {signs}; one "
        "scale for all rows."
    ]
    if threshold == 0 and not facts.layer.signed:
        sentences.append(
            "Right: bright where the unit is above zero. Its threshold, which one place in 200 "
            "should lie above, is zero: it is silent at more than 99.5% of all places."
        )
    else:
        sentences.append(
            f"Right: bright where the unit is above {short(threshold)}, a threshold that one place "
            "in 200 lies above over all photographs."
        )
    return [*sentences, "A photograph that is dark all over has no such place."]
