"""Photographs of things, cut out: Tux Paint's stamps, from Debian's package of them.

Flow: fetch.py -> **stamps.py** -> packages.py, cutouts.py; scenes.py pastes them.

The package's folders say what a stamp shows, and its alpha channel where. The table below, made
by looking at all 796, gathers the folders into concepts of five stamps and more. Many stamps are
drawings: those in folders named `cartoon` stay behind, and those that cutouts.py tells by their
pixels.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from . import packages
from .bundle import Bundle, File, Source, write

NAME, PACKAGE = "Tux Paint stamps", "tuxpaint-stamps-default"
FOLDER = "usr/share/tuxpaint/stamps/"

# Concept: patterns below the stamps' folder. Wide concepts, of many stamps: of five sheep, the
# three on which a unit's concept is chosen say little about the two on which it is measured.
CONCEPTS: Mapping[str, tuple[str, ...]] = {
    "ball": ("sports/*ball", "sports/soccer"),
    "bird": ("animals/birds/*",),
    "carnivore": (
        *("animals/mammals/cats/*", "animals/mammals/dogs/*", "animals/mammals/bears/*"),
        *("animals/mammals/badger", "animals/mammals/ferret"),
        *("animals/mammals/aquatic/otter", "animals/mammals/aquatic/sea_lion"),
    ),
    "coin": ("symbols/money/*/coins/*", "symbols/money/japanese/yen*"),
    "container": (
        *("household/garbagecan", "household/home_compost_bin", "household/wheelie_bin"),
        *("household/kettle", "household/dishes/pitcher*", "household/dishes/teapot"),
    ),
    "fish": ("animals/fish/*",),
    "flower": ("plants/flowers/*", "plants/flowers/plastic/*"),
    "fruit": ("food/fruit/*",),
    "gravestone": ("seasonal/halloween/grave-*",),
    "hand tool": tuple(
        f"household/tools/{name}"
        for name in ("hammer", "mallet*", "paintbrush*", "plyers", "saw", "spade", "wrench*")
    ),
    "hoofed animal": (
        *("animals/mammals/bovines/*", "animals/mammals/camel/*", "animals/mammals/deer/*"),
        *("animals/mammals/equines/*", "animals/mammals/giraffe", "animals/mammals/pig*"),
        *("animals/mammals/hippopotamus", "animals/mammals/wildboar"),
    ),
    "insect": ("animals/insects/*",),
    "musical instrument": ("hobbies/music/*/*",),
    "planet": ("space/planets/*",),
    "road sign": ("town/roadsigns/*",),
    "rodent or rabbit": ("animals/mammals/rodents/*", "animals/mammals/rabbit*"),
    "tree or shrub": (
        *("plants/*", "plants/trees/holm_oak", "plants/trees/*palm", "plants/trees/tree*"),
        "seasonal/christmas/Christmas_Tree_photo",
    ),
    "vegetable": ("food/vegetables/*",),
    "vehicle": (
        *("vehicles/auto/*", "vehicles/construction/*", "vehicles/emergency/*"),
        *("vehicles/masstransit/*", "vehicles/race/*", "vehicles/garbagetruck"),
        "military/vehicles/*",
    ),
}

# Some of these say so themselves, in a .dat; a letter turned round is wrong on all of them.
WRITTEN_ON = ("coin", "road sign")
# In a folder where it does not belong, or cut out badly.
ELSEWHERE = frozenset(
    (
        *("animals/fish/lobster", "animals/fish/seahorse", "animals/fish/shrimp"),
        *("animals/insects/Brown_slug", "animals/insects/Woodlouse"),
        *("food/vegetables/mushroom", "military/vehicles/f22_raptor"),
        *("plants/flowers/appooppanthady", "space/planets/0_sun", "town/roadsigns/traffic_cone"),
        "vehicles/emergency/sedan_police",
    )
)


def concept(stamp: str) -> str:
    """The concept of a stamp, `animals/birds/owl`; nothing for one that is not asked for.

    >>> concept("animals/birds/owl"), concept("animals/birds/cartoon/tux")
    ('bird', '')
    """
    if stamp in ELSEWHERE or stamp.endswith("_mirror"):  # the same picture, turned round
        return ""
    for name, patterns in CONCEPTS.items():
        for pattern in patterns:
            # fnmatch lets a star cross folders.
            if fnmatchcase(stamp, pattern) and stamp.count("/") == pattern.count("/"):
                return name
    return ""


def fetch(folder: Path) -> Bundle:
    """Write the stamps to `stamps/<concept>/<name>.png`.

    Those with writing on them must not be turned round; `stamps/unmirrored.txt` lists them.
    """
    from .cutouts import is_photograph  # numpy takes longer than all the rest

    deb = packages.from_apt(PACKAGE, folder)
    version = packages.debian_version(deb)
    found: dict[str, dict[str, bytes]] = {".png": {}, ".dat": {}}
    for name, content in packages.debian_files(deb, _is_wanted):
        path = PurePosixPath(name.removeprefix(FOLDER))
        found[path.suffix][str(path.with_suffix(""))] = content
    files: list[File] = []
    unmirrored: list[str] = []
    for stamp, png in sorted(found[".png"].items()):
        if not is_photograph(png):
            continue
        target = f"{concept(stamp)}/{stamp.rpartition('/')[2]}"
        if any(file.path == f"stamps/{target}.png" for file in files):  # coins of two countries
            target += f"-{stamp.split('/')[-3]}"
        write(folder, f"stamps/{target}.png", png)
        files.append(File(f"stamps/{target}.png"))
        if concept(stamp) in WRITTEN_ON or b"nomirror" in found[".dat"].get(stamp, b""):
            unmirrored.append(f"{target}\n")
    if not files:
        raise packages.FetchError(
            f"{PACKAGE} {version} holds no stamps where they are expected.",
            "Debian 12 has version 2022.06.04, which does.",
        )
    write(folder, "stamps/unmirrored.txt", "".join(unmirrored).encode())
    files.append(File("stamps/unmirrored.txt"))
    licence = (
        "GPL-2 (the package, by the contributors of Tux Paint; it names no author for each stamp);"
        " used in the scenes of network dissection"
    )
    return Bundle(NAME, PACKAGE, version, licence, tuple(sorted(files, key=lambda f: f.path)))


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name.removeprefix(FOLDER))
    known = name.startswith(FOLDER) and path.suffix in (".png", ".dat")
    return known and concept(str(path.with_suffix(""))) != ""


SOURCE = Source(NAME, "1", fetch, optional=True)
