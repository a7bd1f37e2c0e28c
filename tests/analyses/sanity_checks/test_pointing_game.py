"""The pointing game: maxima, hits, how sure a share is, and what the page says of it."""

from html import unescape
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import binomtest

from helpers.sanity import atlas_in, page
from helpers.tiny import Tiny
from lamella.analyses.sanity_checks.pointing_game import centre_hit, hit, hit_region, maxima
from lamella.analyses.sanity_checks.report import Report, wilson_interval
from lamella.analyses.sanity_checks.verdicts import verdict_table
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


# On the page.


def with_masks(folder: Path, masks: dict[str, np.ndarray]) -> Tiny:
    found = atlas_in(folder, panels__sanity_checks__masks="masks")
    for name, values in masks.items():
        path = folder / "masks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)
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
        "lamella.store.facts.Atlas.pages_of",
        lambda atlas, panel: {number: f"tiny/image-{number}.html" for number in range(4)},
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
