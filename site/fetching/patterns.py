"""Textures by material: GIMP's patterns, from Debian's package of its data.

Flow: fetch.py -> **patterns.py** -> packages.py, pat.py; scenes.py lays them under the stamps.

The table was made by looking at all 58: those that look like the material their folder is named
after. Of GIMP's four waters one does; its skies and its lightning do not.
"""

import io
import re
from collections.abc import Mapping
from pathlib import Path

from . import packages
from .bundle import Bundle, File, Source, write

NAME, PACKAGE = "GIMP patterns", "gimp-data"
PLACE = re.compile(r"usr/share/gimp/[\d.]+/patterns/(\w+/[\w-]+)\.pat")

MATERIALS: Mapping[str, tuple[str, ...]] = {
    "foliage": ("Plant/leaves",),
    "marble": tuple(
        f"Stone/{name}" for name in ("granite1", "marble1", "marble2", "marble3", "pink_marble")
    ),
    "stone": tuple(
        f"Stone/{name}"
        for name in ("Craters", "brick", "cracked", "ground1", "rock", "slate", "stone33", "terra")
    ),
    "water": ("Water/pool",),
    "wood": tuple(
        f"Wood/{name}"
        for name in (
            *("bark", "burlwood", "parque1", "parque2", "parque3", "pine", "walnut"),
            *("wood1", "wood2", "wood3", "wood4", "wood5"),
        )
    ),
}
MATERIAL = {place: material for material, places in MATERIALS.items() for place in places}


def fetch(folder: Path) -> Bundle:
    """Write each pattern to `patterns/<material>/<name>.png`."""
    from . import pat  # Pillow is slow to import, and only what is asked for needs it

    deb = packages.from_apt(PACKAGE, folder)
    version = packages.debian_version(deb)
    files = []
    for name, content in packages.debian_files(deb, lambda name: _place(name) in MATERIAL):
        place = _place(name)
        try:
            picture = pat.read(content)
        except pat.PatError as error:
            print(f"  {place}.pat of {PACKAGE} {version} is left out: {error}", flush=True)
            continue
        file = File(f"patterns/{MATERIAL[place]}/{place.rpartition('/')[2]}.png")
        png = io.BytesIO()
        picture.save(png, "PNG")
        write(folder, file.path, png.getvalue())
        files.append(file)
    if not files:
        raise packages.FetchError(
            f"{PACKAGE} {version} holds no patterns where they are expected.",
            "Debian 12 has version 2.10.34, which does.",
        )
    licence = "GPL-3+ (the package, by the GIMP team); used in the scenes of network dissection"
    return Bundle(NAME, PACKAGE, version, licence, tuple(sorted(files, key=lambda f: f.path)))


def _place(name: str) -> str:
    """`Wood/bark` for a pattern's path in the package, nothing for another file's."""
    found = PLACE.fullmatch(name)
    return found[1] if found else ""


SOURCE = Source(NAME, "1", fetch, optional=True)
