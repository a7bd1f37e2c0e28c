"""Formats that PIL reads with a plug-in only, where it is installed.

Flow: **plugins** -> decoding.
"""

from importlib.util import find_spec


def _plugged() -> frozenset[str]:
    """The suffixes of these formats; has PIL know them."""
    found: set[str] = set()
    if find_spec("PIL._avif"):
        found.add(".avif")
    elif find_spec("pillow_avif"):
        import pillow_avif  # noqa: F401 (it registers itself)

        found.add(".avif")
    if find_spec("pillow_heif"):
        import pillow_heif

        pillow_heif.register_heif_opener()
        found |= {".heic", ".heif"}
    return frozenset(found)


PLUGGED = _plugged()
