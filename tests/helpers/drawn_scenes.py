"""Labelled scenes for tests: discs and squares on noisy ground, in the layout that users follow."""

from pathlib import Path

import numpy as np
from PIL import Image

TABLE = "index,name,kind\n1,disc,shape\n2,square,shape\n7,noise,ground\n"
RED, BLUE = (220, 20, 30), (20, 60, 230)
SIDE = 32


def scene(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A red disc and a blue square on grey noise, and their mask."""
    grey = random.integers(90, 160, (SIDE, SIDE, 1))
    pixels = np.repeat(grey, 3, axis=2).astype(np.uint8)
    mask = np.full((SIDE, SIDE), 7, np.uint8)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    centre, radius = random.integers(6, SIDE - 6, 2), int(random.integers(4, 6))
    corner, side = random.integers(0, SIDE - 10, 2), int(random.integers(5, 9))
    square = (rows >= corner[0]) & (rows < corner[0] + side)
    square &= (columns >= corner[1]) & (columns < corner[1] + side)
    disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2
    for index, where, colour in ((2, square, BLUE), (1, disc, RED)):
        shades = np.array(colour) + random.integers(-18, 19, (SIDE, SIDE, 3))
        pixels[where], mask[where] = shades.clip(0, 255)[where], index
    return pixels, mask


def write_scenes(folder: Path, number: int = 8, *, apart: bool = True) -> Path:
    """A folder of so many scenes for each half, or of twice as many in one folder."""
    random = np.random.default_rng(0)
    halves = ("choose", "measure") if apart else ("", "")
    for half in halves:
        (folder / half / "masks").mkdir(parents=True, exist_ok=True)
        first = len(list((folder / half).glob("*.png")))
        for at in range(first, first + number):
            pixels, mask = scene(random)
            Image.fromarray(pixels).save(folder / half / f"{at}.png")
            Image.fromarray(mask).save(folder / half / "masks" / f"{at}.png")
    (folder / "concepts.csv").write_text(TABLE)
    return folder
