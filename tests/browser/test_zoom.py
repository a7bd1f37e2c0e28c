"""Pictures to zoom into, in a real browser, from file://."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from helpers.fake_atlas import _pixels as texture
from helpers.opened import Opened

pytestmark = pytest.mark.browser
Open = Callable[..., Opened]


def shown(page: Page) -> Locator:
    stage = page.locator(".deep")
    stage.scroll_into_view_if_needed()
    expect(stage).to_have_class(re.compile("opened"))
    page.wait_for_timeout(400)
    return stage


def colours(stage: Locator) -> np.ndarray:
    """The mean colours of the mosaic's 8 by 6 textures, from a screenshot."""
    shot = Image.open(io.BytesIO(stage.locator("canvas").screenshot())).convert("RGB")
    # The picture stands in the middle of its place.
    width = min(shot.width, round(shot.height * 4 / 3))
    left, top = (shot.width - width) // 2, (shot.height - width * 3 // 4) // 2
    shot = shot.crop((left, top, left + width, top + width * 3 // 4))
    return np.asarray(shot.resize((8, 6), Image.Resampling.BOX), float).reshape(48, 3)


@pytest.mark.parametrize("kind", ["chromium", "flat"])
def test_tiles_are_drawn_where_they_belong(
    request: pytest.FixtureRequest, opened: Open, site: Path, kind: str
) -> None:
    one = opened(request.getfixturevalue(kind), viewport={"width": 1000, "height": 800})
    stage = shown(one.go(site / "tiny/depth.html"))
    wanted = np.stack([texture(300 + at, 40).mean(axis=(0, 1)) for at in range(48)])
    assert np.abs(colours(stage) - wanted).max() < 12
    assert np.abs(wanted[0] - wanted[1]).max() > 12  # they could be told apart


def test_the_script_comes_only_where_it_is_needed(
    chromium: Browser, opened: Open, site: Path
) -> None:
    page = opened(chromium).go(site / "tiny/index.html")
    page.wait_for_timeout(200)
    assert not page.locator("script[src$='zoom.js']").count()


def centre(stage: Locator, across: float, down: float) -> tuple[float, float]:
    box = stage.bounding_box()
    assert box
    return box["x"] + box["width"] * across, box["y"] + box["height"] * down


def test_spots_have_names_and_lead_to_pages(chromium: Browser, opened: Open, site: Path) -> None:
    page = opened(chromium, viewport={"width": 1000, "height": 800}).go(site / "tiny/depth.html")
    stage = shown(page)
    page.mouse.move(*centre(stage, 0.56, 0.45))
    expect(page.locator(".spot-label")).to_have_text("cat 20")
    frame = page.locator(".spot")
    expect(frame).to_have_attribute("href", "../tiny/conv1/index.html")
    before = frame.bounding_box()
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(1000)
    page.mouse.move(*centre(stage, 0.56, 0.45))
    after = frame.bounding_box()
    assert before and after and after["width"] > 1.4 * before["width"]
    page.mouse.click(*centre(stage, 0.56, 0.45))
    page.wait_for_url("**/conv1/index.html")


def test_the_keyboard_zooms_and_turns_nothing(chromium: Browser, opened: Open, site: Path) -> None:
    one = opened(chromium, viewport={"width": 1000, "height": 800}, reduced_motion="reduce")
    page = one.go(site / "tiny/depth.html")
    stage = shown(page)
    canvas = page.get_by_role("application", name="cat")
    canvas.focus()
    first = colours(stage)
    for key in "rfjk":
        page.keyboard.press(key)
    page.wait_for_timeout(200)
    assert np.abs(colours(stage) - first).max() < 2
    page.keyboard.down("+")
    page.wait_for_timeout(600)
    page.keyboard.up("+")
    assert np.abs(colours(stage) - first).max() > 12
    page.keyboard.press("0")
    page.wait_for_timeout(400)
    assert np.abs(colours(stage) - first).max() < 2


def test_the_page_scrolls_past_it(chromium: Browser, opened: Open, site: Path) -> None:
    page = opened(chromium, viewport={"width": 1000, "height": 800}).go(site / "tiny/depth.html")
    stage = shown(page)
    first = colours(stage)
    page.mouse.move(*centre(stage, 0.5, 0.5))
    before = page.evaluate("scrollY")
    page.mouse.wheel(0, -200)
    page.wait_for_function("before => scrollY < before", arg=before)
    page.wait_for_timeout(2200)  # the hint fades
    assert np.abs(colours(stage) - first).mean() < 2  # but for the label of the spot


def test_a_finger_sees_the_name_first(chromium: Browser, opened: Open, site: Path) -> None:
    one = opened(chromium, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = one.go(site / "tiny/depth.html")
    stage = shown(page)
    page.touchscreen.tap(*centre(stage, 0.56, 0.45))
    label = page.locator(".spot-label")
    expect(label).to_have_text("cat 20")
    label.click()
    page.wait_for_url("**/conv1/index.html")


def test_on_paper_and_without_scripts_there_is_the_still(
    chromium: Browser, opened: Open, site: Path
) -> None:
    page = opened(chromium, java_script_enabled=False).go(site / "tiny/depth.html")
    expect(page.locator(".deep img")).to_be_visible()
    page.locator(".spots summary").click()
    page.get_by_role("link", name="cat 20").click()
    expect(page.locator("h1")).to_contain_text("conv1")
    page = opened(chromium).go(site / "tiny/depth.html")
    stage = shown(page)
    expect(stage.locator("img")).to_be_hidden()
    page.emulate_media(media="print")
    expect(stage.locator("img")).to_be_visible()
    expect(stage.locator(".viewer")).to_be_hidden()
