"""Pictures that the store holds, and pages, under the addresses that the site gives them.

Flow: facts -> **published** -> analyses' `view`, site. What is kept private is not there: whoever
asks for it gets None.
"""

from functools import lru_cache

from lamella.figures import links
from lamella.figures.picture import Picture
from lamella.network.units import Unit
from lamella.store.facts import Atlas, LayerFacts
from lamella.store.slug import slug
from lamella.store.store import Sheet

# The pictures of a unit that more than one section shows: by analysis, and name in its store.
PICTURE = "feature_visualization", "picture"
PATCHES = "dataset_examples", "patches"  # a sheet: cell i is the i-th strongest example

# Of the image's area: a patch that shows more says too much of a photograph that is private.
PATCH_SHARE = 1 / 4

# Thumbnails of a layer lie on sheets of this many columns and rows, each this many pixels wide.
SPRITE_SIDE = 8
THUMBNAIL = 64


def patches_shown(facts: LayerFacts) -> bool:
    """Whether what the units of a layer see of the photographs may be shown."""
    if facts.atlas.publish != "patches":
        return facts.atlas.publish == "whole"
    field, (height, width) = facts.layer.field, facts.network.size
    if field is None:  # it sees the whole image
        return False
    return min(field.rows.size, height) * min(field.columns.size, width) <= (
        PATCH_SHARE * height * width
    )


def withheld(facts: LayerFacts, panel: str, name: str) -> bool:
    """Whether pictures of a layer's units are not published."""
    private = facts.atlas.withheld
    return f"{panel}/{name}" in private or (panel in private and not patches_shown(facts))


def unit_picture(
    facts: LayerFacts, panel: str, name: str, channel: int, alt: str
) -> Picture | None:
    """A stored picture of a channel, as it is published; None where there is none."""
    stored = facts.of(panel)
    if withheld(facts, panel, name) or channel not in stored.pictures.get(name, {}):
        return None
    sheet = stored.sheets[name]
    src = links.unit_picture(facts.network.name, Unit(facts.layer.name, channel), name)
    return Picture(src, alt, sheet.width, sheet.height)


def patch_sheet(facts: LayerFacts, channel: int) -> tuple[Picture, Sheet] | None:
    """The sheet of a unit's patches, as it is published, and what its cells are; None for none."""
    sheet = unit_picture(facts, *PATCHES, channel, "") if patches_shown(facts) else None
    return (sheet, facts.of(PATCHES[0]).sheets[PATCHES[1]]) if sheet is not None else None


def network_picture(atlas: Atlas, panel: str, name: str, entry: int, alt: str) -> Picture | None:
    """A picture that a panel stored for the network as a whole, as it is published.

    None where there is none, or where it shows photographs that stay private.
    """
    size = atlas.picture_size(panel, name, entry)
    return Picture(network_picture_address(atlas, panel, name, entry), alt, *size) if size else None


def network_picture_address(atlas: Atlas, panel: str, name: str, entry: int) -> str:
    """The address of a picture that a panel stored for the network as a whole."""
    network = atlas.network
    if panel == "photographs":  # which panels of layers name too
        return links.photograph(network.name, entry)
    folder = links.panel_folder(panel, _folders(tuple(layer.name for layer in network.layers)))
    return links.panel_picture(network.name, folder, entry, name)


@lru_cache(maxsize=4)
def _folders(layers: tuple[str, ...]) -> frozenset[str]:
    """The folders of the layers."""
    return frozenset(map(slug, layers))


def thumbnail(atlas: Atlas, unit: Unit) -> Picture:
    """The unit's cell on its layer's sprite sheets. The address never depends on progress."""
    return _thumbnail(atlas.network.name, unit, atlas.channels[unit.layer])


@lru_cache(maxsize=65536)  # every page shows dozens
def _thumbnail(network: str, unit: Unit, channels: int) -> Picture:
    sheet, cell = divmod(unit.channel, SPRITE_SIDE**2)
    left = channels - sheet * SPRITE_SIDE**2
    return Picture(
        src=links.sprite(network, unit.layer, sheet),
        alt=f"Unit {unit}",
        width=THUMBNAIL,
        height=THUMBNAIL,
        cell=cell,
        columns=SPRITE_SIDE,
        rows=min(SPRITE_SIDE, -(-left // SPRITE_SIDE)),
    )


def unit_page(atlas: Atlas, unit: Unit) -> str:
    """The address of a unit's page."""
    return links.unit_page(atlas.network.name, unit)
