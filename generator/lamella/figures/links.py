"""Addresses: where each page and picture of an atlas lies, and how a unit is cited.

Flow: slug -> **links** -> published, site. `<network>/<layer>/<channel>.html` never changes
meaning. All paths are relative to the site's top, with forward slashes, and name a file. Names are
hostile: whatever a network calls its modules, a slug is one plain path component that every file
system takes.
"""

from collections.abc import Collection

from lamella.images.manifest import Photograph
from lamella.network.units import Unit
from lamella.store.slug import _marked, slug

CLASSES = "classes"  # the index of all classes
ATTRIBUTION_MAPS = "attribution-maps"  # the index of all images that have them
SANITY_CHECKS = "sanity-checks"  # whether the maps can be trusted
ABOUT = "about.html"  # how to read the atlas, and how it was made
_PAGES = frozenset({"index", "map", "methods"})  # pages of a network that are no articles


def network_page(network: str) -> str:
    """The page of a whole network."""
    return f"{slug(network)}/index.html"


def map_page(network: str) -> str:
    """The map of a network's units."""
    return f"{slug(network)}/map.html"


def methods_page(network: str) -> str:
    """What each analysis of a network is, and how to read it."""
    return f"{slug(network)}/methods.html"


def article_page(network: str, article: str) -> str:
    """A page that a panel writes on the whole network; layers are folders, so names are free."""
    file = f"x-{_marked(article, article)}" if article in _PAGES else slug(article)
    return f"{slug(network)}/{file}.html"


def layer_page(network: str, layer: str) -> str:
    """The page of one layer."""
    return f"{slug(network)}/{slug(layer)}/index.html"


def unit_page(network: str, unit: Unit) -> str:
    """The page of one unit."""
    return f"{slug(network)}/{slug(unit.layer)}/{unit.channel}.html"


def units_table(network: str, layer: str) -> str:
    """The table of a layer's units."""
    return f"{slug(network)}/{slug(layer)}/units.csv"


def file_name(unit: Unit, ending: str) -> str:
    """What a file of one unit is called on the disk of whoever takes it away."""
    return f"{slug(unit.layer)}-{unit.channel}.{ending}"


def unit_picture(network: str, unit: Unit, name: str) -> str:
    """A stored picture of one unit."""
    return f"{slug(network)}/{slug(unit.layer)}/{unit.channel}-{name}.webp"


def sprite(network: str, layer: str, sheet: int) -> str:
    """The `sheet`-th sheet of a layer's thumbnails."""
    return f"{slug(network)}/{slug(layer)}/sprite-{sheet}.webp"


def strip(network: str, layer: str) -> str:
    """Thumbnails of some units of a layer, side by side."""
    return f"{slug(network)}/{slug(layer)}/strip.webp"


def map_picture(network: str) -> str:
    """A small picture of the map of a network's units."""
    return f"{slug(network)}/map.webp"


def photograph(network: str, image: int) -> str:
    """A whole image, as the network sees it."""
    return f"{slug(network)}/images/{image}.webp"


def panel_folder(panel: str, taken: Collection[str]) -> str:
    """The folder of a panel's pictures of the whole network; `taken` are the layers' folders."""
    folder = slug(panel)
    return f"x-{_marked(folder, panel)}" if folder in taken else folder


def panel_picture(network: str, folder: str, entry: int, name: str) -> str:
    """A picture that a panel stored for the network as a whole."""
    return f"{slug(network)}/{folder}/{entry}-{name}.webp"


def identifier(network: str, digest: str, unit: Unit) -> str:
    """The name under which a unit is cited: it pins the weights."""
    return f"{network}@{digest[:12]}/{unit}"


def class_slug(output: int) -> str:
    """The page of one class, by the number of the network's output."""
    return f"class-{output}"


def attribution_maps_slug(photograph: Photograph) -> str:
    """The page of one image's attribution maps, by the digest of its content."""
    return f"attribution-maps-{photograph.id[:8]}"
