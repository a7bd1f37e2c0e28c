"""The numbers behind heat maps, in a real browser, from file://."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from helpers.opened import Opened

pytestmark = pytest.mark.browser
Open = Callable[..., Opened]


def row(page: Page, name: str) -> Locator:
    found = page.locator(".gallery.maps").filter(has_text=name)
    found.scroll_into_view_if_needed()
    return found


def pointed(page: Page, place: Locator, across: float, down: float) -> None:
    box = place.bounding_box()
    assert box
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])


def test_pointing_at_a_map_says_what_all_maps_of_the_row_have_there(
    chromium: Browser, opened: Open, site: Path
) -> None:
    page = opened(chromium, viewport={"width": 1280, "height": 900}).go(site / "tiny/maps.html")
    expect(page.locator(".reads")).to_be_visible()
    one = row(page, "One")
    hill = one.locator(".read").nth(1)
    pointed(page, hill, 7.5 / 12, 3.5 / 12)  # the top of the hill
    told = one.locator(".readout:not(.words):visible")
    expect(told).to_have_count(3)
    assert [told.nth(at).inner_text() for at in (0, 1)] == ["1", "1"]
    assert re.fullmatch(r"[0-3](\.\d+)?", told.nth(2).inner_text())
    said = one.locator(".words:visible")
    expect(said).to_have_text(re.compile(r"^1 of \w+$"))
    expect(one.locator(".ring")).to_have_count(4)  # the photograph's too
    expect(row(page, "Two").locator(".ring")).to_have_count(0)
    # At the same place of each.
    shares = []
    for at in range(4):
        box, ring = one.locator(".read").nth(at).bounding_box(), one.locator(".ring").nth(at)
        seen = ring.bounding_box()
        assert box and seen
        shares.append(((seen["x"] + seen["width"] / 2 - box["x"]) / box["width"],
                       (seen["y"] + seen["height"] / 2 - box["y"]) / box["height"]))  # fmt: skip
    assert np.abs(np.array(shares) - (7.5 / 12, 3.5 / 12)).max() < 0.02
    pointed(page, one.locator(".read").nth(2), 3.5 / 12, 9.5 / 12)  # the hollow
    expect(said).to_have_text(re.compile(r"^\u22120\.\d+ of \w+$"))
    pointed(page, one.locator(".read").first, 0.5, 0.5)  # the photograph
    expect(told).to_have_count(3)
    expect(said).to_have_count(0)
    page.mouse.move(5, 5)
    expect(page.locator(".ring")).to_have_count(0)


def test_the_arrow_keys_read_a_map(chromium: Browser, opened: Open, site: Path) -> None:
    page = opened(chromium, viewport={"width": 390, "height": 900}).go(site / "tiny/maps.html")
    one = row(page, "One")
    hill = one.get_by_role("application", name="hill")
    page.locator(".switch input").focus()
    page.keyboard.press("Tab")
    expect(hill).to_be_focused()
    expect(hill.locator(".words")).to_be_visible()
    status = page.locator("main > [role=status]")
    page.keyboard.press("ArrowRight")
    expect(status).to_have_text(re.compile(r"^Row 7 of 12, column 8 of 12: 0\.\d+ of \w+$"))
    for _ in range(20):
        page.keyboard.press("ArrowUp")
    expect(status).to_have_text(re.compile("^Row 1 of 12, column 8"))
    assert page.url.endswith("maps.html")  # the page itself is not turned
    page.keyboard.press("Tab")
    expect(one.get_by_role("application", name="signed")).to_be_focused()
    expect(one.locator(".ring")).to_have_count(4)
    page.keyboard.press("Escape")
    expect(one.locator(".ring")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_finger_reads_a_map(chromium: Browser, opened: Open, site: Path) -> None:
    one = opened(chromium, viewport={"width": 390, "height": 900}, has_touch=True)
    page = one.go(site / "tiny/maps.html")
    maps = row(page, "One").locator(".read")
    for at in range(4):
        maps.nth(at).tap()
        expect(page.locator(".ring")).to_have_count(4)
        for label in page.locator(".readout:visible").all():
            box = label.bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.locator("h1").tap()
    expect(page.locator(".ring")).to_have_count(0)


def seen_through(page: Page) -> list[str]:
    return [
        str(over.evaluate("one => getComputedStyle(one).opacity"))
        for over in page.locator(".over").all()
    ]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_switch_shows_the_maps_alone(
    chromium: Browser, opened: Open, site: Path, scripts: bool
) -> None:
    page = opened(chromium, java_script_enabled=scripts).go(site / "tiny/maps.html")
    assert seen_through(page) == ["0.6"] * 6
    page.get_by_label("Maps alone").check()
    assert seen_through(page) == ["1"] * 6
    assert page.locator(".reads").is_visible() == scripts


def test_what_is_around_a_photograph_stays_in_colour(
    chromium: Browser, opened: Open, site: Path
) -> None:
    page = opened(chromium).go(site / "tiny/maps.html")
    images = row(page, "One").locator(".pic > img:first-child")
    looks = [image.evaluate("one => getComputedStyle(one).filter") for image in images.all()]
    assert looks == ["none", "grayscale(1)", "grayscale(1)", "none"]
