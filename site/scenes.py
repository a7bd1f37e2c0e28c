"""Make labelled scenes for network dissection: `python site/scenes.py`.

fetch.py scenes -> site/data -> **scenes.py** -> site/data/scenes -> lamella build (dissection).

480 scenes of 256 x 256 pixels: stamps of Tux Paint, pasted over photographs of monuments and over
materials. `choose/` is to find each unit's concept, `measure/` to measure it; no instance is in
both (instances.csv lists them). `<half>/masks/` says what each pixel of `<half>/` shows, by the
index in concepts.csv; 0 is unlabelled. The same data give the same scenes, byte for byte.
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from fetching.shelf import Shelf
from fetching.stamps import CONCEPTS

DATA = Path(__file__).resolve().parent / "data"
RECIPE = "1"  # changes whenever the same data would give other scenes
COUNT = 240  # scenes of each half
MADE_OF = "made_of.txt"  # in the folder of scenes, written last


def ingredients(data: Path) -> Iterator[bytes]:
    """What the scenes depend on: names and contents of all that they may be made of."""
    yield f"{RECIPE} {COUNT}".encode()
    folders = ("stamps", "patterns", "photographs")
    for path in sorted(path for name in folders for path in (data / name).rglob("*.*")):
        yield path.relative_to(data).as_posix().encode()
        yield hashlib.sha256(path.read_bytes()).digest()


def complete(scenes: Path, made_of: str) -> bool:
    """Whether all scenes are there, made of these ingredients."""
    stated = scenes / MADE_OF
    if not stated.is_file() or stated.read_text("utf-8") != made_of:
        return False
    return sum(path.suffix in (".jpg", ".png") for path in scenes.rglob("*")) == 4 * COUNT


def make(shelf: Shelf) -> None:
    """Make the scenes, unless they are there.

    Raises:
        TooFewInstances: the data folder does not have what scenes are made of.
    """
    made_of = hashlib.sha256(b"\0".join(ingredients(shelf.folder))).hexdigest()
    if complete(shelf.folder / "scenes", made_of):
        return
    from composing.writing import scenes  # numpy takes longer than to see that all is there

    def write(folder: Path) -> None:
        for line in scenes(shelf.folder, folder, COUNT, RECIPE):
            print(f"  {line}")
        (folder / MADE_OF).write_text(made_of, "utf-8")

    print("Making labelled scenes ...", flush=True)
    shelf.renew("scenes", write)


def main(arguments: Sequence[str] = ()) -> int:
    """Make the scenes in site/data/scenes; the exit code."""
    parser = argparse.ArgumentParser(description="Make labelled scenes for network dissection.")
    parser.add_argument(
        "--or-photographs",
        action="store_true",
        help="where they cannot be made, take the atlas' photographs, without labels",
    )
    asked = parser.parse_args(arguments)
    from composing.instances import TooFewInstances

    shelf = Shelf(DATA)
    try:
        with shelf.locked():
            try:
                make(shelf)
            except TooFewInstances as error:
                if not asked.or_photographs:
                    return _failed(f"Error: {error}")
                from composing.writing import unlabelled

                shelf.renew("scenes", lambda to: unlabelled(DATA / "photographs", to, CONCEPTS))
                print(f"Without labelled scenes: the dissection knows colours only. {error}")
                return 0
    except KeyboardInterrupt:
        return _failed("\nStopped. Run it again: it begins anew.", 130)
    except OSError as error:
        return _failed(f"Error: {error}\n  Make room or give write access, and run it again.")
    print(f"{2 * COUNT} labelled scenes in {DATA / 'scenes'}")
    return 0


def _failed(message: str, code: int = 1) -> int:
    print(message, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
