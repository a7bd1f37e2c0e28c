"""Scenes on disk: who is dealt into which scene, the images, their masks, and the tables.

Flow: scenes.py -> **writing.py** -> instances.py, scene.py. The dissection panel reads the folder.
"""

import csv
import io
import random
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from PIL import Image

from .instances import HALVES, Concept, Instance, concepts, grounds
from .scene import compose

OBJECTS = (2, 3, 3, 4)  # things in a scene, by turns
MATERIALS = (1, 1, 0, 1, 0)  # materials in a scene, by turns
HEAD = ("index", "name", "kind")  # of concepts.csv

Item = TypeVar("Item")


class Deck(Generic[Item]):
    """Cards in chance order, dealt until none is left and then again: each comes up as often."""

    def __init__(self, cards: Iterable[Item], chance: random.Random) -> None:
        self.cards, self.chance = tuple(cards), chance
        self.left: list[Item] = []

    def deal(self) -> Item:
        """The next card."""
        if not self.left:
            self.left = list(self.cards)
            self.chance.shuffle(self.left)
        return self.left.pop()


def scenes(data: Path, target: Path, count: int, seed: str) -> list[str]:
    """Write `count` scenes of each half, their masks and tables, into the folder `target`.

    Returns:
        What was left out, in words.
    Raises:
        TooFewInstances: the data folder does not have what scenes are made of.
    """
    found, left_out = concepts(data)
    under = grounds(data)
    numbered = dict(enumerate(found, 1))
    table(target / "concepts.csv", HEAD, ((n, c.name, c.kind) for n, c in numbered.items()))
    used = [
        (half, name, instance.path.relative_to(data).as_posix())
        for half in HALVES
        for name, members in (
            *((concept.name, concept.instances[half]) for concept in found),
            ("", under[half]),
        )
        for instance in members
    ]
    table(target / "instances.csv", ("half", "concept", "file"), used)
    for half in HALVES:
        (target / half / "masks").mkdir(parents=True)
        _half(half, numbered, under[half], target / half, count, random.Random(f"{seed} {half}"))
    return left_out


def _half(
    name: str,
    numbered: Mapping[int, Concept],
    under: Sequence[Instance],
    target: Path,
    count: int,
    chance: random.Random,
) -> None:
    """Deal the scenes of one half and write them."""
    by_kind = {
        kind: Deck((n for n, concept in numbered.items() if concept.kind == kind), chance)
        for kind in ("material", "object")
    }
    cards = {n: Deck(concept.instances[name], chance) for n, concept in numbered.items()}
    lower = Deck(under, chance)
    for scene in range(count):
        wanted = {
            "material": MATERIALS[scene % len(MATERIALS)],
            "object": OBJECTS[scene % len(OBJECTS)],
        }
        dealt = [
            by_kind[kind].deal()
            for kind, number in wanted.items()
            for _ in range(number)
            if by_kind[kind].cards
        ]
        things = [(n, numbered[n], cards[n].deal()) for n in dealt]
        picture, mask = compose(lower.deal(), things, chance)
        picture.save(target / f"{scene:03}.jpg", quality=92, subsampling=0)
        Image.fromarray(mask).save(target / "masks" / f"{scene:03}.png")
        _say(name, scene + 1, count)


def unlabelled(photographs: Path, target: Path, names: Iterable[str]) -> None:
    """Write what stands in for scenes where there are none: photographs of which nothing is known.

    A dissection has its colour concepts then; those of `names` are in no image.
    """
    found = sorted(path for path in photographs.rglob("*.*") if path.is_file())
    for number, path in enumerate(found):
        shutil.copyfile(path, target / f"{number:04}{path.suffix}")
    table(target / "concepts.csv", HEAD, ((n, name, "object") for n, name in enumerate(names, 1)))


def table(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    path.write_text(text.getvalue(), "utf-8", newline="\n")


def _say(half: str, done: int, total: int) -> None:
    """A line that counts, on a terminal; elsewhere one line a half."""
    if sys.stdout.isatty():
        print(f"\r  {half}: {done} of {total}", end="\n" if done == total else "", flush=True)
    elif done == total:
        print(f"  {half}: {total}", flush=True)
