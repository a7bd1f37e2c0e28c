"""What of private images reaches a site: planted words and pixels are looked for in every file."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from helpers.fake_atlas import Fake
from helpers.tiny import NETWORK, Tiny
from lamella.analyses import known_panels
from lamella.analyses.panel import Panel
from lamella.config.preprocessing import Preprocessing
from lamella.figures.published import PATCH_SHARE, patches_shown
from lamella.images.decoding import decode
from lamella.places.field import Field, ReceptiveField

NAME, LABEL, INSIDE = "plantedname", "plantedlabel", "plantedinside"
SIDE = 16  # of the tiny network's images
ALIKE = 0.9  # correlation from which on two pictures show the same


def plant(folder: Path) -> list[Path]:
    """Images of noise with words in all places that have any, and files that are none."""
    random, found = np.random.default_rng(5), []
    for at in range(10):
        path = folder / f"{LABEL}{at % 2}" / f"{NAME}{at}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(random.integers(0, 256, (20, 20, 3), dtype=np.uint8))
        exif = Image.Exif()
        exif[0x010E] = exif[0x013B] = INSIDE
        xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{INSIDE}</x:xmpmeta>".encode()
        image.save(path, quality=98, exif=exif, comment=INSIDE, xmp=xmp)
        found.append(path)
    (folder / f"{LABEL}0" / f"{NAME}-broken.png").write_bytes(INSIDE.encode())
    (folder / f"notes.{NAME}").write_text(INSIDE)
    return found


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """An atlas of all analyses, built with whole photographs."""
    folder = tmp_path_factory.mktemp("planted")
    first = plant(folder / "images")[0].relative_to(folder / "images").as_posix()
    (folder / "network.py").write_text(NETWORK)
    tiny = Tiny(folder).change(
        analysis__panels=["*"],
        panels__objectives__image=first,
        panels__attribution_maps__images=[first],
        panels__layer_activations__images=[first],
    )
    tiny.works("build")
    return tiny


def shares(top: Path, words: bytes) -> list[str]:
    """The files of a site in whose names or bytes a word stands."""
    files = [path for path in sorted(top.rglob("*")) if path.is_file()]
    assert len(files) > 40
    return [
        str(path.relative_to(top))
        for path in files
        if words in str(path.relative_to(top)).encode() or words in path.read_bytes().lower()
    ]


def pictures(top: Path) -> Iterator[Image.Image]:
    """Every picture of a site, also those that lie inside of pages and scripts."""
    for path in sorted(path for path in top.rglob("*") if path.is_file()):
        content = path.read_bytes()
        inside = re.findall(rb"data:image/[a-z+]+;base64,([A-Za-z0-9+/=]+)", content)
        found = [content, *map(base64.b64decode, inside)]
        for each in found:
            if each[:4] in (b"RIFF", b"\x89PNG", b"GIF8") or each[:2] == b"\xff\xd8":
                with Image.open(io.BytesIO(each)) as image:
                    assert not image.getexif() and not image.info.get("xmp"), path
                    yield image.convert("RGBA")


def cells(image: Image.Image) -> Iterator[Image.Image]:
    """A picture, and the cells of every sheet that it could be; without what is transparent."""
    for side in range(16, max(image.size) + 1):
        if image.width % side == 0 and image.height % side == 0:
            for top in range(0, image.height, side):
                for left in range(0, image.width, side):
                    yield image.crop((left, top, left + side, top + side))
    yield image


def vectors(images: Iterator[Image.Image]) -> NDArray[np.float32]:
    """Pictures as rows of 8 x 8 colours, of mean zero and length one; flat ones are left out."""
    rows = []
    for image in images:
        if box := (
            image.getchannel("A").getbbox() if image.mode == "RGBA" else (0, 0, *image.size)
        ):
            small = image.crop(box).convert("RGB").resize((8, 8), Image.Resampling.BOX)
            rows.append(np.asarray(small, np.float32).ravel())
    found = np.unique(np.array(rows), axis=0)
    found -= found.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return (found / np.maximum(lengths, 1e-9))[lengths[:, 0] > 1]


def windows(folder: Path, least: int) -> Iterator[Image.Image]:
    """Every square part of every photograph, as the network sees it, of `least` pixels or more."""
    how = Preprocessing(resize=20, size=SIDE)
    for path in sorted(folder.rglob("*.jpg")):
        image = Image.fromarray(decode(path, how))
        for side in range(least, SIDE + 1):
            for top in range(SIDE - side + 1):
                for left in range(SIDE - side + 1):
                    yield image.crop((left, top, left + side, top + side))


def most_alike(tiny: Tiny, least: int) -> float:
    """The largest correlation of any picture of the site with any such part of a photograph."""
    shown = vectors(cell for image in pictures(tiny.folder / "public") for cell in cells(image))
    parts = vectors(windows(tiny.folder / "images", least))
    return max(
        float((parts @ run.T).max()) for run in np.array_split(shown, len(shown) // 2000 + 1)
    )


def test_a_public_atlas_shows_them_whole_but_for_what_lies_inside_the_files(planted: Tiny) -> None:
    top = planted.folder / "public"
    assert shares(top, NAME.encode()) and shares(top, LABEL.encode())
    assert not shares(top, INSIDE.encode())
    assert most_alike(planted, SIDE) > ALIKE


@pytest.mark.parametrize("command", ["render", "build"])  # of what was analysed as whole, and anew
@pytest.mark.parametrize("publish", ["patches", "none"])
def test_a_private_atlas_shows_nothing_of_its_images(
    planted: Tiny, publish: str, command: str
) -> None:
    planted.change(images__publish=publish).works(command)
    top = planted.folder / "public"
    assert not shares(top, NAME.encode()) and not shares(top, INSIDE.encode())
    # Labels are words about photographs whose patches are shown; without patches they go too.
    assert bool(shares(top, LABEL.encode())) == (publish == "patches")
    assert most_alike(planted, 6 if publish == "none" else 10) < ALIKE
    if publish == "patches":
        assert most_alike(planted, 6) > ALIKE
    assert "1 of 11 images could not be read" in (top / "about.html").read_text()


@pytest.mark.parametrize("panel", known_panels(), ids=lambda panel: panel.name)
def test_every_analysis_says_what_it_shows_of_images(panel: Panel) -> None:
    said = [kind for kind in type(panel).mro() if "shows_photographs" in vars(kind)]
    assert said, f"{panel.name}: say `shows_photographs`, and which pictures are `photographic`"


@pytest.mark.parametrize(
    ("size", "publish", "shown"),
    [
        (16, "patches", True),
        (32, "patches", True),  # a quarter of 64 x 64
        (33, "patches", False),
        (None, "patches", False),
        (None, "whole", True),
        (16, "none", False),
    ],
)
def test_patches_that_show_much_of_the_photograph_are_private(
    tmp_path: Path, size: Any, publish: str, shown: bool
) -> None:
    facts = next(Fake(layers=[("a", 1), ("b", 1)], publish=publish).write(tmp_path).layers())
    axis = size and ReceptiveField(size, 4, 0)
    facts.layer = replace(facts.layer, field=axis and Field(axis, axis))
    assert PATCH_SHARE == 1 / 4 and patches_shown(facts) == shown
