"""Addresses: where each page and picture of an atlas lies, and how a unit is cited.

`<network>/<layer>/<channel>.html` never changes meaning. All paths are relative to the site's top,
with forward slashes, and name a file. Names are hostile: whatever a network calls its modules, a
slug is one plain path component that every file system takes.
"""

import hashlib
import re
from collections.abc import Collection
from functools import lru_cache

from lamella.units import Unit

# What Windows reserves, and the folders and pages that an atlas has of its own.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)|(assets|images)$|.*\.(html?|js|css|xml|webp)$"
)
ABOUT = "about.html"  # how to read the atlas, and how it was made
_PAGES = frozenset({"index", "map"})  # pages of a network that are no articles
_TAKEN = re.compile(r".*-[0-9a-f]{6}$")  # what the slug of another name may look like


@lru_cache(maxsize=4096)  # every address of every page asks for two
def slug(name: str) -> str:
    """A file name for a layer or network: the name itself where that is safe.

    Otherwise, what is left of it and six digits of its SHA-1. Upper case counts as unsafe, since
    case-insensitive disks would merge `Mixed_4c` and `mixed_4c`; so do names that Windows reserves
    and a leading dot, dash or underscore. Distinct names get distinct slugs.
    """
    kept = re.sub(r"[^a-z0-9._@-]+", "-", name.lower()).strip("._-")[:80]
    reserved = not kept or _RESERVED.match(kept)
    if kept == name and not reserved and not _TAKEN.match(name):
        return name
    return f"x-{_marked(kept, name)}" if reserved else _marked(kept, name)


def _marked(kept: str, name: str) -> str:
    """What is kept of a name, told apart from all others."""
    return f"{kept}-{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:6]}"


def network_page(network: str) -> str:
    """The page of a whole network."""
    return f"{slug(network)}/index.html"


def map_page(network: str) -> str:
    """The map of a network's units."""
    return f"{slug(network)}/map.html"


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


def unit_picture(network: str, unit: Unit, name: str) -> str:
    """A stored picture of one unit."""
    return f"{slug(network)}/{slug(unit.layer)}/{unit.channel}-{name}.webp"


def sprite(network: str, layer: str, sheet: int) -> str:
    """The `sheet`-th sheet of a layer's thumbnails."""
    return f"{slug(network)}/{slug(layer)}/sprite-{sheet}.webp"


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
