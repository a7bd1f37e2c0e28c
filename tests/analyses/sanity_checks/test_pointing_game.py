"""The pointing game: masks as people make them, maxima, hits, and how sure a share is."""

from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import binomtest

from helpers.sanity import atlas_in, page
from helpers.tiny import Tiny
from lamella.analyses.sanity_checks.masks import digest_of_masks, find_masks, read
from lamella.analyses.sanity_checks.pointing_game import centre_hit, hit, hit_region, maxima
from lamella.analyses.sanity_checks.report import Report, wilson_interval
from lamella.analyses.sanity_checks.verdicts import verdict_table
from lamella.errors import ImagesError
from lamella.images.decoding import decode
from lamella.pipeline.plan import open_atlas

SIDE = 224
SIZE = (28, 24)  # of the tiny images: width, height


def square(left: int, top: int, right: int, bottom: int, side: int = SIDE) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[top:bottom, left:right] = True
    return mask


def peak(row: int, column: int, side: int = SIDE) -> np.ndarray:
    values = np.zeros((side, side), np.float32)
    values[row, column] = 1
    return values


# Hits.


def test_a_perfect_map_always_hits() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        left, top = random.integers(0, 150, 2)
        mask = square(left, top, left + random.integers(1, 70), top + random.integers(1, 70))
        assert hit(mask.astype(np.float32), hit_region(mask)) == 1
        assert hit(-mask.astype(np.float32), ~hit_region(mask)) == pytest.approx(
            (~hit_region(mask)).sum() / (~mask).sum()
        )


def test_fifteen_pixels_beside_the_thing_still_hit() -> None:
    near = hit_region(square(100, 100, 120, 120))
    assert hit(peak(110, 119 + 15), near) == 1 and hit(peak(110, 119 + 16), near) == 0
    assert hit(peak(100 - 15, 110), near) == 1 and hit(peak(100 - 16, 110), near) == 0
    assert hit(peak(119 + 11, 119 + 11), near) == 0  # round, not square: 15.6 pixels away
    assert hit(peak(119 + 10, 119 + 11), near) == 1
    half = hit_region(square(50, 50, 60, 60, 112))  # the tolerance grows with the image
    assert hit(peak(55, 59 + 7, 112), half) == 1 and hit(peak(55, 59 + 8, 112), half) == 0


def test_equal_maxima_share_the_hit_and_a_constant_map_is_chance() -> None:
    near = square(0, 0, 112, 224)
    both = peak(5, 10) + peak(5, 200)
    assert hit(both, near) == 0.5
    assert hit(np.zeros((SIDE, SIDE), np.float32), near) == pytest.approx(near.mean())
    assert hit(np.full((SIDE, SIDE), np.nan, np.float32), near) == 0
    dead = both.copy()
    dead[0, 0] = np.nan
    assert hit(dead, near) == 0.5


def test_a_coarse_map_points_with_the_middle_of_its_cell() -> None:
    values = np.zeros((7, 7), np.float32)
    values[2, 5] = 1
    assert maxima(values).tolist() == [[2.5 / 7, 5.5 / 7]]
    assert hit(values, square(5 * 32 + 16, 2 * 32 + 16, 5 * 32 + 17, 2 * 32 + 17)) == 1
    assert hit(values, square(0, 0, 5 * 32 + 16, 224)) == 0


def test_the_centre_is_where_four_pixels_meet() -> None:
    assert centre_hit(square(112, 112, 224, 224)) == 0.25
    assert centre_hit(square(0, 0, 112, 224)) == 0.5
    assert centre_hit(square(2, 2, 3, 3, 5)) == 1


@given(st.integers(1, 200), st.data())
def test_the_interval_is_wilsons(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    low, high = wilson_interval(hits, trials)
    wanted = binomtest(hits, trials).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((wanted.low, wanted.high), abs=1e-6)
    assert wilson_interval(0, 0) == (0, 1)


# Masks.


def images_of(folder: Path, names: dict[str, tuple[int, int]], **more: Any) -> Any:
    """Photographs of these sizes, (width, height), as `find_masks` reads them."""
    paths = []
    for name, size in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, "grey").save(path, **more)
        paths.append(path)
    photographs = tuple(SimpleNamespace(name=name) for name in names)
    return SimpleNamespace(manifest=SimpleNamespace(photographs=photographs), paths=paths)


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
    seen = decode(tmp_path / "a.png", 40, 32)[..., 0] > 127
    found = read(path, 40, 32)
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
    assert (read(path, 32, 32) == INSIDE).all()


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
        read(path, 32, 32)


def test_the_digest_follows_content_and_names_not_the_place(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        save(tmp_path / folder / "a.png", np.ones((4, 4), np.uint8))
    first = digest_of_masks(tmp_path / "one")
    assert first == digest_of_masks(tmp_path / "two") and digest_of_masks(tmp_path / "no") == ""
    save(tmp_path / "two" / "a.png", np.zeros((4, 4), np.uint8))
    assert digest_of_masks(tmp_path / "two") != first
    (tmp_path / "one" / "a.png").rename(tmp_path / "one" / "b.png")
    assert digest_of_masks(tmp_path / "one") != first


# On the page.


def with_masks(folder: Path, masks: dict[str, np.ndarray]) -> Tiny:
    found = atlas_in(folder, panels__sanity_checks__masks="masks")
    for name, values in masks.items():
        save(folder / "masks" / name, values)
    return found


def test_hits_are_counted_by_method_and_label_and_misses_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere, corner = np.full(SIZE[::-1], 255, np.uint8), np.zeros(SIZE[::-1], np.uint8)
    corner[3:5, 5:7] = 255  # two pixels at the border of what is seen
    empty = np.zeros(SIZE[::-1], np.uint8)
    masks = {"even/0.png": everywhere, "odd/1.png": corner, "even/2.png": empty}
    found = with_masks(tmp_path, {**masks, "odd/9.png": corner})
    found.works("build")
    report = Report.of(open_atlas(found.config()))
    assert report is not None
    names = [report.photograph(number).name for number, _ in report.pointed]
    assert sorted(names) == ["even/0.png", "odd/1.png"]
    article = unescape(page(found, "tiny/sanity-checks.html"))
    assert "its mask is empty within the square that the network sees" in article
    assert "no photograph of this atlas has this name" in article
    by_label = report.by_label()
    assert list(by_label) == ["even", "odd"]
    missed = 0
    for at, _ in enumerate(report.methods):
        assert report.hits(at, by_label["even"]).share == 1
        missed += report.hits(at, by_label["odd"]).share < 0.5
        assert f"{report.hits(at).hits:.0f} of 2" in str(verdict_table(report).rows[at][-1])
    assert report.baseline("centre") == 0.5 and missed
    assert article.count(">missed<") == missed and "Which were missed" in article
    pictures = list((tmp_path / "public" / "tiny" / "sanity_checks").glob("*-miss-*.webp"))
    assert len(pictures) == missed
    # Where an image has a page of what the network looked at, its name and pictures lead there.
    monkeypatch.setattr(
        "lamella.analyses.sanity_checks.view.attribution_map_pages",
        lambda atlas: {number: f"tiny/image-{number}.html" for number in range(4)},
    )
    (odd,) = (number for number, entry in report.pointed if entry in by_label["odd"])
    found.change(title="Again").works("render")
    article = page(found, "tiny/sanity-checks.html")
    assert article.count(f'href="../tiny/image-{odd}.html"') == 1 + missed
    found.change(images__publish="patches").works("render")
    assert not list((tmp_path / "public" / "tiny").glob("sanity_checks/*"))
    assert "Which were missed" in page(found, "tiny/sanity-checks.html")


def test_a_wrong_mask_stops_the_build_before_it_begins(tmp_path: Path) -> None:
    found = with_masks(tmp_path, {"even/0.png": np.ones((5, 5), np.uint8)})
    said = found.fails("build")
    assert "5 x 5" in said and "28 x 24" in said
    assert not list(found.work.glob("survey-*"))


def test_all_masks_empty_is_said(tmp_path: Path) -> None:
    found = with_masks(tmp_path, {"even/0.png": np.zeros(SIZE[::-1], np.uint8)})
    found.change(panels__sanity_checks__images=1, panels__sanity_checks__curves=1).works("build")
    assert "None of the masks says anything here" in page(found, "tiny/sanity-checks.html")
