"""Masks as people make them: found, checked, read."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from helpers.damaged import png_of
from lamella.analyses.dissection.scenes import opened
from lamella.analyses.sanity_checks.masks import digest_of_masks, find_masks, read
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ConceptsError, ImagesError
from lamella.images.decoding import decode


def images_of(folder: Path, names: dict[str, tuple[int, int]], **more: Any) -> Any:
    """Photographs of these sizes, (width, height), as `find_masks` reads them."""
    paths = []
    for name, size in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, "grey").save(path, **more)
        paths.append(path)
    photographs = tuple(SimpleNamespace(name=name) for name in names)
    return SimpleNamespace(manifest=SimpleNamespace(photographs=photographs), files=paths)


def save(path: Path, values: Any, **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = values if isinstance(values, Image.Image) else Image.fromarray(values)
    image.save(path, **more)
    return path


@pytest.mark.parametrize("size", [(80, 60), (60, 80), (64, 64), (131, 47)])
def test_a_mask_is_cut_out_as_its_photograph_is(tmp_path: Path, size: tuple[int, int]) -> None:
    """A red square in a photograph lies where the mask of it does."""
    width, height = size
    photograph = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2 - 6, width // 2 - 2
    photograph[top : top + 12, left : left + 10] = (255, 0, 0)
    save(tmp_path / "a.png", photograph)
    path = save(tmp_path / "mask.png", photograph[..., 0])
    seen = decode(tmp_path / "a.png", Preprocessing(resize=40, size=32))[..., 0] > 127
    found = read(path, Preprocessing(resize=40, size=32))
    assert found.shape == (32, 32) and found.any()
    assert (found != seen).mean() < 0.03


def test_a_turned_photograph_has_a_mask_as_it_is_shown(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side: shown, width and height are swapped
    images = images_of(tmp_path / "images", {"a.jpg": (60, 40)}, exif=exif)
    upright = np.zeros((60, 40), np.uint8)
    upright[10:20, 5:15] = 255
    save(tmp_path / "masks" / "a.png", upright)
    assert list(find_masks(tmp_path / "masks", images).files) == [0]
    save(tmp_path / "masks" / "a.png", upright.T)
    with pytest.raises(ImagesError, match="turned upright as its EXIF says"):
        find_masks(tmp_path / "masks", images)


INSIDE = np.zeros((32, 32), bool)
INSIDE[8:20, 4:16] = True


def kinds() -> dict[str, Image.Image]:
    """The same mask in the ways in which programs save it."""
    grey = Image.fromarray((INSIDE * 255).astype(np.uint8))
    colours = Image.merge("RGB", (grey, Image.new("L", grey.size), Image.new("L", grey.size)))
    palette = Image.fromarray((~INSIDE).astype(np.uint8)).convert("P")
    palette.putpalette([255, 255, 255, 0, 0, 0])  # white is number 0
    cut = Image.new("RGBA", grey.size, "white")
    cut.putalpha(grey)
    return {
        "grey": grey,
        "faint": Image.fromarray(INSIDE.astype(np.uint8)),
        "bits": grey.convert("1"),
        "colours": colours,
        "palette": palette,
        "transparent": cut,
        "deep": Image.fromarray(INSIDE.astype(np.uint16) * 300),
    }


@pytest.mark.parametrize("kind", kinds())
def test_masks_of_every_kind_are_read(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path / "mask.png", kinds()[kind])
    assert (read(path, Preprocessing(resize=32, size=32)) == INSIDE).all()


def test_masks_are_found_by_name_and_strangers_are_told(tmp_path: Path) -> None:
    images = images_of(tmp_path / "images", {"x/a.png": (8, 6), "b.webp": (8, 6), "c.png": (8, 6)})
    folder = tmp_path / "masks"
    save(folder / "x" / "a.png", np.ones((6, 8), np.uint8))
    save(folder / "b.tif", np.ones((6, 8), np.uint8))
    save(folder / "nobody.png", np.ones((6, 8), np.uint8))
    (folder / "notes.txt").write_text("not a picture, and not called one")
    save(folder / ".hidden.png", np.ones((6, 8), np.uint8))
    found = find_masks(folder, images)
    assert {number: path.name for number, path in found.files.items()} == {0: "a.png", 1: "b.tif"}
    assert found.left_out == {"nobody.png": "no photograph of this atlas has this name"}


def refused(tmp_path: Path, files: dict[str, Any], photographs: dict[str, tuple[int, int]]) -> str:
    images = images_of(tmp_path / "images", photographs)
    for name, values in files.items():
        path = tmp_path / "masks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(values) if isinstance(values, bytes) else save(path, values)
    with pytest.raises(ImagesError) as caught:
        find_masks(tmp_path / "masks", images)
    assert caught.value.remedy
    return caught.value.problem


def test_masks_that_cannot_be_right_are_refused(tmp_path: Path) -> None:
    one = np.ones((6, 8), np.uint8)
    size = {"a.png": (8, 6)}
    said = refused(tmp_path / "1", {"a.png": np.ones((8, 8), np.uint8)}, size)
    assert "8 x 8" in said and "8 x 6" in said
    assert "Cannot read" in refused(tmp_path / "2", {"a.png": b"nonsense"}, size)
    assert "Cannot read" in refused(tmp_path / "3", {"a.jpg": one}, size)  # JPEG blurs black
    assert "none fits" in refused(tmp_path / "4", {"b.png": one}, size)
    assert "does not exist" in refused(tmp_path / "5", {}, size)
    (tmp_path / "6" / "masks").mkdir(parents=True)
    assert "no mask" in refused(tmp_path / "6", {}, size)
    twins = {"a.png": (8, 6), "a.webp": (8, 6)}
    assert "fits 2 photographs" in refused(tmp_path / "7", {"a.png": one}, twins)
    assert "one photograph" in refused(tmp_path / "8", {"a.png": one, "a.tif": one}, size)


def test_a_damaged_mask_says_so(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.random.default_rng(0).integers(0, 2, (64, 64), np.uint8))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ImagesError, match="Cannot read the mask"):
        read(path, Preprocessing(resize=32, size=32))


def test_the_digest_follows_content_and_names_not_the_place(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        save(tmp_path / folder / "a.png", np.ones((4, 4), np.uint8))
    first = digest_of_masks(tmp_path / "one")
    assert first == digest_of_masks(tmp_path / "two") and digest_of_masks(tmp_path / "no") == ""
    save(tmp_path / "two" / "a.png", np.zeros((4, 4), np.uint8))
    assert digest_of_masks(tmp_path / "two") != first
    (tmp_path / "one" / "a.png").rename(tmp_path / "one" / "b.png")
    assert digest_of_masks(tmp_path / "one") != first


def test_a_mask_that_claims_billions_of_pixels_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of(60_000, 60_000))
    with pytest.raises(ImagesError, match="60000 x 60000 pixels are too many"):
        read(tmp_path / "bomb.png", Preprocessing(resize=20, size=16))
    with pytest.raises(ConceptsError, match="60000 x 60000 pixels are too many"):
        opened(tmp_path / "bomb.png")


def test_whatever_damage_makes_pil_raise_is_told(tmp_path: Path, monkeypatch) -> None:
    """A TIFF whose strips lie at fractions of bytes, say."""
    path = save(tmp_path / "a.tif", np.zeros((20, 20), np.uint8))

    def load(image: Any) -> None:
        raise TypeError("'float' object cannot be interpreted as an integer")

    monkeypatch.setattr(TiffImageFile, "load", load)
    with pytest.raises(ImagesError, match="Cannot read the mask"):
        read(path, Preprocessing(resize=20, size=16))
