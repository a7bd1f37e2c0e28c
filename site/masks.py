"""Draw masks for the pointing game: `python site/masks.py`.

pointed.csv + data/photographs -> **masks.py** -> site/data/masks -> lamella build (sanity).

Every animal, every photograph of ImageNet, and of monuments and wind and solar power those with the
lowest digests, as far as they show one kind of thing: boxes drawn by hand around what a person
would point at, in per cent of the photograph's width and height, before any map was seen.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from fetching.shelf import Shelf

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
POINTED = HERE / "pointed.csv"

Boxes = list[tuple[float, float, float, float]]


def boxes(table: Path) -> dict[str, Boxes]:
    """The boxes of each photograph: left, top, right, bottom in per cent."""
    found: dict[str, Boxes] = defaultdict(list)
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            left, top, right, bottom = (
                float(row[side]) for side in ("left", "top", "right", "bottom")
            )
            if not (0 <= left < right <= 100 and 0 <= top < bottom <= 100):
                raise ValueError(f"{table.name}: no box in per cent: {row}")
            found[row["photograph"]].append((left, top, right, bottom))
    return found


def mask(size: tuple[int, int], parts: Boxes) -> Image.Image:
    """White where one of the boxes is, black elsewhere."""
    picture = Image.new("L", size)
    draw = ImageDraw.Draw(picture)
    width, height = size[0] / 100, size[1] / 100
    for left, top, right, bottom in parts:
        corners = (left * width, top * height, right * width - 1, bottom * height - 1)
        draw.rectangle(tuple(round(corner) for corner in corners), fill=255)
    return picture


def make(photographs: Path, folder: Path, table: Path) -> int:
    """Write a mask for each photograph of the table that is there; how many."""
    made = 0
    for name, parts in boxes(table).items():
        if not (photographs / name).is_file():
            continue
        with Image.open(photographs / name) as picture:
            size = ImageOps.exif_transpose(picture).size
        path = (folder / name).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        mask(size, parts).save(path, optimize=True)
        made += 1
    return made


def main() -> int:
    """Make the masks in site/data/masks; the exit code."""
    shelf = Shelf(DATA)
    made: list[int] = []
    try:
        with shelf.locked():
            shelf.renew("masks", lambda to: made.append(make(DATA / "photographs", to, POINTED)))
    except OSError as error:
        print(
            f"Error: {error}\n  Make room or give write access, and run it again.", file=sys.stderr
        )
        return 1
    print(f"Masks of {made[0]} photographs in {DATA / 'masks'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
