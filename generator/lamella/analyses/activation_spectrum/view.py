"""What a unit's page shows of its strata: a row of photographs for each, and what the colours mean.

Flow: store -> facts -> **strata_tiles** -> figures.
"""

import math
from collections.abc import Sequence

from lamella.analyses.activation_spectrum.stored import TITLES, Example, examples, scale_of
from lamella.figures import Figure, Gallery, Picture, Tile, links, short
from lamella.store.facts import LayerFacts, PanelFacts
from lamella.survey.bins import BANDS, PLACES, SAMPLE

MAPS, PATCHES = "spectrum-maps", "spectrum-patches"  # beside other panels' pictures of the unit
COLUMNS = 2 * PLACES  # of the sheet of maps: heat, then shade
NOTHING = "The unit is zero everywhere on these photographs."


def rows(facts: LayerFacts, own: PanelFacts, stored: Picture, channel: int) -> tuple[Figure, ...]:
    """A gallery for each stratum that has photographs, and a last one that explains them.

    Args:
        stored: the unit's sheet.
    """
    survey, layer = facts.of("survey"), facts.layer
    whole = MAPS in own.sheets
    tiles = _overlaid if whole else _patches
    found: list[Figure] = []
    for stratum, shown in enumerate(examples(survey, layer, channel, facts.photographs)):
        # A band of zeros says enough; the weakest row shows what such photographs are.
        if 1 <= stratum <= len(BANDS) and shown and not any(each.activation for each in shown):
            found.append(Gallery(TITLES[stratum], (), note=NOTHING, size="row"))
        elif row := tiles(facts, own, stored, channel, stratum, shown):
            found.append(Gallery(TITLES[stratum], row, size="row"))
    if not any(figure.tiles for figure in found if isinstance(figure, Gallery)):
        return ()
    said = _legend(facts, survey, channel) if whole else []
    if facts.photographs > SAMPLE:
        said.append(f"Percentiles are those of {SAMPLE} photographs, drawn at random.")
    if said:
        found.append(Gallery("", (), note=" ".join(said), size="row"))
    return tuple(found)


def _overlaid(
    facts: LayerFacts,
    own: PanelFacts,
    stored: Picture,
    channel: int,
    stratum: int,
    shown: Sequence[Example],
) -> tuple[Tile, ...]:
    """Each photograph twice: under its activation map, and darkened outside of the mask."""
    height, width = facts.network.size
    tall = own.sheets[MAPS].rows

    def under(example: Example, alt: str, first: int) -> Picture:
        cell = stratum * COLUMNS + first + example.place
        over = Picture(stored.src, "", stored.width, stored.height, cell, COLUMNS, tall)
        src = links.photograph(facts.network.name, example.image)
        return Picture(src, alt, width, height, over=over)

    tiles = []
    for example in shown:
        above = float(own["above"][channel, stratum * PLACES + example.place])
        if math.isnan(above):  # the photograph could not be read any more
            continue
        label = facts.manifest.photographs[example.image].label
        what = f"{label or 'Photograph'}, activation {short(example.activation)}"
        part = f"{above:.2%} of it lies above" if above else "nothing in it lies above"
        warm = under(example, f"{what}: where the unit answers", 0)
        masked = under(example, f"{what}: {part} the unit's threshold", PLACES)
        tiles.append(Tile(warm, _caption(example), label, beside=masked))
    return tuple(tiles)


def _patches(
    facts: LayerFacts,
    own: PanelFacts,
    stored: Picture,
    channel: int,
    stratum: int,
    shown: Sequence[Example],
) -> tuple[Tile, ...]:
    """The part of each photograph that the unit sees."""
    tiles = []
    for example in shown:
        cell = stratum * PLACES + example.place
        if not own["known"][channel, cell]:
            continue
        label = facts.manifest.photographs[example.image].label
        box = facts.layer.box(example.row, example.column, *facts.network.size)
        picture = Picture(
            stored.src,
            f"Patch of {label or 'a photograph'}, activation {short(example.activation)}",
            stored.width,
            stored.height,
            cell=cell,
            columns=PLACES,
            rows=own.sheets[PATCHES].rows,
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
    said = [
        f"Left: the activation map over the photograph, whose colours are subdued: {signs}; one "
        "scale for all rows."
    ]
    if threshold == 0 and not facts.layer.signed:
        said.append(
            "Right: bright where the unit is above zero. Its threshold, which one place in 200 "
            "should lie above, is zero: it is silent at more than 99.5% of all places."
        )
    else:
        said.append(
            f"Right: bright where the unit is above {short(threshold)}, a threshold that one place "
            "in 200 lies above over all photographs."
        )
    return [*said, "A photograph that is dark all over has no such place."]
