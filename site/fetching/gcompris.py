"""Photographs of GCompris, the children's game, from Debian's package of its data.

Flow: fetch.py -> **gcompris.py** -> packages.py, rcc.py.

Most of its pictures are drawings. The table below was made by looking at all of them: it names
the folders, in the game's resource archives, that hold photographs. The archives hold README
files too, which credit each photograph. (Debian's copyright file lists files of earlier versions
under the same names, other pictures by other people: it is not asked.)
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from . import packages, rcc
from .bundle import Bundle, File, Source, write

NAME, PACKAGE = "GCompris", "gcompris-qt-data"
FOLDER = "usr/share/gcompris-qt/rcc/"

# Archive: (pattern below its resource folder, label). Cut-outs and paintings stay behind.
PHOTOGRAPHS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "categorization": (
        ("images/alphabets/*.webp", "objects"),
        ("images/fishes/*.webp", "fishes"),
        ("images/monuments/*.webp", "monuments"),
        ("images/numbers/*.webp", "objects"),
        ("images/others/*.webp", "objects"),
        ("images/renewable/*.webp", "renewable-energy"),
        ("images/tools/*.webp", "tools"),
    ),
    "clickgame": (("sea*.webp", "sea"),),
    "details": tuple(
        (f"image/{name}_background.webp", "monuments")
        for name in (
            *("Chenonceau", "EgeskovSlotSpejling", "EilanDonanCastle", "FanoeWindmill"),
            *("GizahPyramids", "Louvre_2007_02_24_c", "NDP", "Nagoya", "Neuschwanstein"),
            *("OperaSidney", "TajMahal", "TourEiffel", "TowerBridgeLondon"),
        )
    ),
    "erase": (("*.webp", "animals"),),
    "explore_farm_animals": (("animals/*.webp", "animals"),),
    "explore_monuments": (("*/*.webp", "monuments"),),
    "explore_world_animals": (("animals/*.webp", "animals"),),
    "explore_world_music": (("music/*.webp", "music"),),
}

# The same photographs are larger in explore_monuments.
TWICE = frozenset(
    f"images/monuments/{name}.webp" for name in ("brandenburgGate", "colosseum", "greatPyramid")
)

# Slips in the README files of version 3.1.
MISSPELT = {
    "germany/audaPalatina.webp": "germany/aulaPalatina.webp",
    "screDriver.webp": "screwDriver.webp",
}

NO_CREDIT = File("", licence="GPL-3+ (as GCompris)", author="the GCompris authors")


def fetch(folder: Path) -> Bundle:
    """Write the photographs to `photographs/<label>/<name>.webp`."""
    deb = packages.from_apt(PACKAGE, folder)
    version = packages.debian_version(deb)
    wanted = {f"{FOLDER}{archive}.rcc": archive for archive in PHOTOGRAPHS}
    contents = dict.fromkeys(PHOTOGRAPHS, b"")
    found = packages.debian_files(deb, wanted.__contains__)
    contents |= {wanted[name]: content for name, content in found}
    files: list[File] = []
    taken: set[str] = set()
    for archive in PHOTOGRAPHS:  # in the table's order: it decides who keeps a name
        try:
            for name, label, picture, credit in photographs(archive, contents[archive]):
                path = _free(f"photographs/{label}/{name}", taken)
                write(folder, path, picture)
                files.append(File(path, credit.licence, credit.author, credit.origin))
        except rcc.RccError as error:
            print(f"  {archive}.rcc of {PACKAGE} {version} is left out: {error}", flush=True)
    if not files:
        raise packages.FetchError(
            f"{PACKAGE} {version} holds no photographs where they are expected.",
            "Debian 12 has version 3.1, which does.",
        )
    kinds = ", ".join(sorted({file.licence for file in files}))
    licence = f"as stated for each photograph ({kinds})"
    return Bundle(NAME, PACKAGE, version, licence, tuple(sorted(files, key=lambda f: f.path)))


def photographs(archive: str, content: bytes) -> Iterable[tuple[str, str, bytes, File]]:
    """File name, label, bytes and credit of each photograph of one archive, by path."""
    root = f"gcompris/src/activities/{archive}/resource/"
    stored = {
        path.removeprefix(root): file
        for path, file in sorted(rcc.read(content).items())
        if path.startswith(root)
    }
    credit: dict[str, File] = {}
    for path, file in stored.items():
        if PurePosixPath(path).name == "README":
            above = path.removesuffix("README")
            for name, entry in credits(file.read().decode("utf-8", "replace")).items():
                credit[above + MISSPELT.get(name, name)] = entry
    for path, file in stored.items():
        for pattern, label in PHOTOGRAPHS[archive]:
            # fnmatch lets a star cross folders; a photograph lies exactly as deep as its pattern.
            if (
                fnmatchcase(path, pattern)
                and path.count("/") == pattern.count("/")
                and path not in TWICE
            ):
                picture = file.read()
                if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
                    yield PurePosixPath(path).name, label, picture, credit.get(path, NO_CREDIT)
                break


def credits(readme: str) -> dict[str, File]:
    """Author, licence and origin by file name, from one of GCompris' README files.

    Records are divided by blank lines; lines that are not `Field: value` are file names.

    >>> credits("Copyright: Ann\\nLicense: CC-BY 4.0\\nFiles:\\nsea1.webp")["sea1.webp"].licence
    'CC-BY-4.0'
    """
    found: dict[str, File] = {}
    for record in re.split(r"\n\s*\n", readme):
        fields: dict[str, str] = {}
        names: list[str] = []
        for line in record.splitlines():
            field = re.match(r"(Copyright|License|Source|Comments?|Files):\s*(.*)", line)
            if not field:
                names.append(line.strip())
            elif field[1] == "Files":
                names += field[2].split()
            else:
                fields[field[1]] = field[2].strip()
        licence = fields.get("License", "").replace("Public Domain", "public domain")
        licence = licence.replace("Public domain", "public domain")
        licence = re.sub(r"^(CC-BY(?:-SA)?) (?=\d)", r"\1-", licence)
        origin = fields.get("Source") or fields.get("Comment", "")
        for name in names:
            if name and licence:
                found[name] = File("", licence, fields.get("Copyright", ""), origin)
    return found


def _free(path: str, taken: set[str]) -> str:
    """The path, or with a number where it is taken (letter case does not count)."""
    wanted, number = PurePosixPath(path), 1
    while path.casefold() in taken:
        number += 1
        path = str(wanted.with_stem(f"{wanted.stem}-{number}"))
    taken.add(path.casefold())
    return path


SOURCE = Source(NAME, "1", fetch, optional=True)
