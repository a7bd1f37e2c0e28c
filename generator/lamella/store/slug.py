"""File names for whatever a network calls its layers.

Flow: **slug** -> store, figures, pages.
"""

import hashlib
import re
from functools import lru_cache

# What Windows reserves, and the folders and pages that an atlas has of its own.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)|(assets|images)$|.*\.(html?|js|json|css|csv|cff|txt|xml|webp)$"
)


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
    # Names may hold halves of characters, which are no UTF-8.
    plain = name.encode(errors="surrogatepass")
    return f"{kept}-{hashlib.sha1(plain, usedforsecurity=False).hexdigest()[:6]}"
