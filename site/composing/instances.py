"""What scenes are made of, and which half of them each instance belongs to.

Flow: scenes.py -> **instances.py** -> scene.py. No pixels are read here.

A dissection chooses a unit's concept on one half of the scenes and measures it on the other. Had
both halves the same cut-out in them, a unit that answers to that one picture, as some unit of a
network of random weights always does, would pass for a detector. So an instance belongs to one
half, together with whatever may show the same thing: `cow` and `cow_white`, `wood1` to `wood5`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .grounds import CROPS, GROUNDS, Box

HALVES = ("choose", "measure")
MIN_INSTANCES = 5  # of a concept, in both halves together
MIN_IN_HALF = 2
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Instance:
    """One cut-out, one texture, one photograph of a material.

    Attributes:
        path: the picture.
        box: the part of it that shows the concept: left, top, right, bottom, as shares.
        tiles: whether it may be repeated without a seam.
        mirrors: whether it may be turned round.
    """

    path: Path
    box: Box = WHOLE
    tiles: bool = False
    mirrors: bool = True


@dataclass(frozen=True, slots=True)
class Concept:
    """What a mask can say, with its instances by half; `kind` is `object` or `material`."""

    name: str
    kind: str
    instances: Mapping[str, tuple[Instance, ...]]


class TooFewInstances(Exception):
    """The data folder does not hold what scenes are made of: the problem, then the remedy."""


def family(name: str, others: Iterable[str]) -> str:
    """What pictures of the same thing share.

    The name without its number, or the shortest of the other names that it goes on from.

    >>> family("cow_white", ["cow", "cowboy"]), family("wood2", ["wood1"]), family("005", [])
    ('cow', 'wood', '005')
    """
    starts = {_unnumbered(other) for other in others} | {_unnumbered(name)}
    own = _unnumbered(name)
    return min(
        (start for start in starts if own == start or own.startswith((f"{start}-", f"{start}_"))),
        key=len,
    )


def _unnumbered(name: str) -> str:
    return name.casefold().rstrip("0123456789").rstrip("-_") or name.casefold()


def split(instances: Sequence[Instance]) -> dict[str, tuple[Instance, ...]]:
    """Instances by half, families kept together, the halves as even as they can be.

    The largest family first, each to the half that has fewer.
    """
    families: dict[str, list[Instance]] = {}
    names = [instance.path.stem for instance in instances]
    for instance in sorted(instances, key=lambda instance: instance.path.as_posix()):
        families.setdefault(family(instance.path.stem, names), []).append(instance)
    halves: dict[str, list[Instance]] = {half: [] for half in HALVES}
    for _, members in sorted(families.items(), key=lambda item: (-len(item[1]), item[0])):
        min(halves.values(), key=len).extend(members)
    return {half: tuple(members) for half, members in halves.items()}


def concepts(data: Path) -> tuple[list[Concept], list[str]]:
    """The concepts that the data folder has instances of, and what is left out, in words.

    Raises:
        TooFewInstances: it has no stamps, or not one concept with instances enough.
    """
    if not (data / "stamps").is_dir():
        raise TooFewInstances(
            f"{data / 'stamps'} is not there: scenes are made of Tux Paint's stamps.\n"
            "  Fetch them first: python site/fetch.py scenes"
        )
    stamps = data / "stamps"
    listed = stamps / "unmirrored.txt"
    unmirrored = set(listed.read_text("utf-8").splitlines()) if listed.is_file() else set()
    found: dict[tuple[str, str], list[Instance]] = {}
    for path in stamps.glob("*/*.png"):
        mirrors = f"{path.parent.name}/{path.stem}" not in unmirrored
        found.setdefault(("object", path.parent.name), []).append(Instance(path, mirrors=mirrors))
    for path in (data / "patterns").glob("*/*.png"):
        found.setdefault(("material", path.parent.name), []).append(Instance(path, tiles=True))
    for material, crops in CROPS.items():
        for name, box in crops.items():
            path = data / "photographs" / name
            if path.is_file():
                found.setdefault(("material", material), []).append(Instance(path, box))
    kept, left_out = [], []
    for (kind, name), instances in sorted(
        found.items(), key=lambda item: (_KINDS[item[0][0]], item)
    ):
        halves = split(instances)
        if len(instances) < MIN_INSTANCES or min(map(len, halves.values())) < MIN_IN_HALF:
            left_out.append(f"Without {name}: {len(instances)} instances are too few.")
        else:
            kept.append(Concept(name, kind, halves))
    if not kept:
        raise TooFewInstances(
            f"{data} has no concept with {MIN_INSTANCES} instances.\n"
            "  Fetch them again: python site/fetch.py scenes"
        )
    return kept, left_out


_KINDS = {"object": 0, "material": 1}


def grounds(data: Path) -> dict[str, tuple[Instance, ...]]:
    """Photographs to lay under the scenes, by half; none of them is an instance of a concept.

    Raises:
        TooFewInstances: there are not two of them.
    """
    cropped = {name for crops in CROPS.values() for name in crops}
    paths = [data / "photographs" / name for name in GROUNDS if name not in cropped]
    halves = split([Instance(path) for path in paths if path.is_file()])
    if not all(halves.values()):
        raise TooFewInstances(
            f"{data / 'photographs'} has no photographs of monuments to lay under the scenes.\n"
            "  They come with GCompris: python site/fetch.py"
        )
    return halves
