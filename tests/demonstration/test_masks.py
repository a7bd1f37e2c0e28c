"""site/masks.py: boxes drawn by hand become masks as large as their photographs."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SITE = Path(__file__).parents[2] / "site"
_spec = importlib.util.spec_from_file_location("site_masks", SITE / "masks.py")
assert _spec and _spec.loader
masks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(masks)


def table(folder: Path, *rows: str) -> Path:
    path = folder / "pointed.csv"
    path.write_text("\n".join(["photograph,left,top,right,bottom", *rows]), "utf-8")
    return path


def test_a_mask_is_white_in_its_boxes_only(tmp_path: Path) -> None:
    photographs, folder = tmp_path / "photographs", tmp_path / "masks"
    (photographs / "animals").mkdir(parents=True)
    Image.new("RGB", (200, 100)).save(photographs / "animals" / "owl.webp")
    rows = table(
        tmp_path,
        "animals/owl.webp,10,20,30,40",
        "animals/owl.webp,50,50,100,100",
        "animals/away.webp,1,2,3,4",
    )
    assert masks.make(photographs, folder, rows) == 1
    with Image.open(folder / "animals" / "owl.png") as picture:
        found = np.asarray(picture)
    wanted = np.zeros((100, 200), np.uint8)
    wanted[20:40, 20:60] = wanted[50:, 100:] = 255
    assert np.array_equal(found, wanted)


def test_a_photograph_that_was_turned_has_its_mask_upright(tmp_path: Path) -> None:
    turned = Image.new("RGB", (200, 100))
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    (tmp_path / "photographs").mkdir()
    turned.save(tmp_path / "photographs" / "a.jpg", exif=exif)
    masks.make(tmp_path / "photographs", tmp_path / "masks", table(tmp_path, "a.jpg,0,0,50,50"))
    with Image.open(tmp_path / "masks" / "a.png") as picture:
        assert picture.size == (100, 200)


@pytest.mark.parametrize("row", ["a.jpg,0,0,101,50", "a.jpg,60,0,50,50", "a.jpg,-1,0,50,50"])
def test_a_box_lies_in_its_photograph(tmp_path: Path, row: str) -> None:
    with pytest.raises(ValueError, match="no box in per cent"):
        masks.boxes(table(tmp_path, row))


def test_the_boxes_of_the_demonstration_are_read() -> None:
    found = masks.boxes(masks.POINTED)
    assert len(found) > 100
    photographs = SITE / "data" / "photographs"
    assert all((photographs / name).is_file() for name in found)
